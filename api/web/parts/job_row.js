// One row of the table of jobs.

import { h, say } from "../dom.js";
import { clock, loss, percent, summary, title } from "../format.js";
import { actions } from "./actions.js";
import { badge, bar, time } from "./progress.js";

/** A row: {node, box, update(job)}; `choose(id, on)` is called when its box is checked or not. */
export function jobRow(job, choose) {
  const onchange = (event) => choose(job.id, event.target.checked);
  const box = h("input", { type: "checkbox", "aria-label": `Choose ${title(job)}`, onchange });
  const progress = bar(job);
  const about = h("small");
  const cell = (kind) => h("td", { class: kind });
  const cells = {
    loss: cell("num wide-only"),
    accuracy: cell("num"),
    time: cell("num"),
  };
  const node = h(
    "tr",
    { class: `job ${job.status}` },
    h("td", { class: "pick" }, box),
    h("th", { scope: "row", class: "name" }, h("a", { href: `#/jobs/${job.id}`, class: "title" }, title(job)), about),
    h("td", {}, badge(job)),
    h("td", { class: "wide-only" }, progress.node),
    Object.values(cells),
    h("td", { class: "wide-only" }, h("time", { datetime: job.created_at, title: job.created_at }, clock(job.created_at))),
    h("td", { class: "acts" }, actions(job)),
  );
  const update = (now) => {
    progress.update(now);
    say(about, now.status === "failed" ? reason(now) : summary(now.spec));
    about.title = about.textContent;
    node.title = reason(now);
    say(cells.loss, loss(now.metrics.loss));
    say(cells.accuracy, percent(now.metrics.test_accuracy));
    say(cells.time, shortTime(now));
  };
  return { node, box, update };
}

const reason = (job) => job.status_reason?.message ?? "";

function shortTime(job) {
  if (job.status === "queued" && job.queue_position) return `number ${job.queue_position}`;
  const [label, value] = time(job);
  return label === "Time left" && job.status === "running" ? `${value} left` : value;
}
