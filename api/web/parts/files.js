// What can be taken away: the model in three forms, the history, the spec; and what happened when.

import { fill, h } from "../dom.js";
import { clock } from "../format.js";

/** The panel of a job's files and transitions. */
export function files(job) {
  const at = `/v1/jobs/${job.id}`;
  const link = (path, words) => h("a", { href: `${at}/${path}`, download: "" }, words);
  const past = h("ol", { class: "past" });
  const node = h(
    "section",
    { class: "card" },
    h("h2", {}, "Files and facts"),
    h(
      "p",
      { class: "links" },
      link("model?format=safetensors&step=best", "safetensors"),
      link("model?format=npz&step=best", "npz"),
      link("model?format=onnx&step=best", "ONNX"),
      link("history", "history"),
      link("checkpoints", "checkpoints"),
    ),
    past,
    h("details", {}, h("summary", {}, "The whole spec"), h("pre", { tabindex: 0 }, JSON.stringify(job.spec, null, 2))),
  );
  const update = (now, type) => type === "step" || type === "evaluation" || fill(past, now.transitions.map(moment));
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
