// Downloads (model, history, checkpoints), the spec, and the changes of status.

import { fill, h } from "../dom.js";
import { clock } from "../format.js";

const LINKS = [
  ["model?format=safetensors&step=best", "safetensors"],
  ["model?format=npz&step=best", "npz"],
  ["model?format=onnx&step=best", "ONNX"],
  ["history", "history"],
  ["checkpoints", "checkpoints"],
];

/** The panel of a job's files and transitions. */
export function files(job) {
  const at = `/v1/jobs/${job.id}`;
  const link = (path, words) => h("a", { href: `${at}/${path}`, download: "" }, words);
  const past = h("ol", { class: "past" });
  const downloads = h("p", { class: "links" });
  const offer = (now) =>
    fill(downloads, now.progress.step ? LINKS.map(([path, words]) => link(path, words)) : "No model yet.");
  let offered = null;
  const node = h(
    "section",
    { class: "card" },
    h("h2", {}, "Files and history"),
    downloads,
    past,
    h("details", {}, h("summary", {}, "Full spec"), h("pre", { tabindex: 0 }, JSON.stringify(job.spec, null, 2))),
  );
  const update = (now, type) => {
    const started = now.progress.step > 0;
    if (offered !== started) offer(now);
    offered = started;
    if (type !== "step" && type !== "evaluation") fill(past, now.transitions.map(moment));
  };
  return { node, update };
}

const moment = (one) =>
  h(
    "li",
    {},
    h("time", { datetime: one.at, title: one.at }, clock(one.at)),
    ` ${one.status}`,
    one.reason ? `: ${one.reason.message}` : "",
  );
