// Pause, resume, cancel, delete: what the job's status allows.

import * as api from "../api.js";
import { h } from "../dom.js";
import { title } from "../format.js";
import { forget, keep, maySubmit } from "../store.js";
import { attempt } from "./notices.js";

const VERBS = {
  queued: ["cancel"],
  running: ["pause", "cancel"],
  paused: ["resume", "cancel"],
  succeeded: ["delete"],
  failed: ["delete"],
  cancelled: ["delete"],
};
const LABELS = { pause: "Pause", resume: "Resume", cancel: "Cancel", delete: "Delete" };
const FINAL = {
  cancel: "The job ends here; what it learned stays. Cancel it?",
  delete: "The job, its checkpoints and its history go for good. Delete it?",
};

/** Buttons for a job. */
export function actions(job) {
  if (!maySubmit()) return [];
  return VERBS[job.status].map((verb) =>
    h(
      "button",
      {
        type: "button",
        class: `act ${verb}`,
        "aria-label": `${LABELS[verb]} ${title(job)}`,
        onclick: (event) => act(event.currentTarget, job, verb),
      },
      LABELS[verb],
    ),
  );
}

async function act(button, job, verb) {
  if (FINAL[verb] && !window.confirm(FINAL[verb])) return;
  button.disabled = true;
  await attempt(() => change(job, verb));
  button.disabled = false;
}

async function change(job, verb) {
  try {
    if (verb !== "delete") return keep(await api.move(job.id, verb));
    await api.remove(job.id);
  } catch (trouble) {
    if (trouble.code !== "job_not_found") throw trouble; // else somebody else was faster
  }
  return forget(job.id);
}
