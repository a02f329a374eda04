// Buttons for what a job's status allows: pause, resume, cancel, delete.

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
const CONFIRM = {
  cancel: (name) => `Cancel "${name}"? It ends at its present step; its checkpoints stay.`,
  delete: (name) => `Delete "${name}"? Its checkpoints and its history are deleted too. This cannot be undone.`,
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
  if (CONFIRM[verb] && !window.confirm(CONFIRM[verb](title(job)))) return;
  button.disabled = true;
  await attempt(() => change(job, verb));
  button.disabled = false;
}

async function change(job, verb) {
  try {
    if (verb !== "delete") return keep(await api.move(job.id, verb));
    await api.remove(job.id);
  } catch (trouble) {
    if (trouble.code !== "job_not_found") throw trouble; // it is deleted already
  }
  return forget(job.id);
}
