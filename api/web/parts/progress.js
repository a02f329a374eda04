// How far a job is: badge, bar, and the figures beside it.

import { h, say } from "../dom.js";
import { compact, count, duration, loss, NOTHING, percent, work } from "../format.js";

/** How fast a running job makes what its method counts. */
export function rate(job) {
  const { step, steps_per_second: steps } = job.progress;
  const [name, made] = work(job.progress);
  const running = job.status === "running" && steps && step;
  return { unit: `${name.toLowerCase()}/s`, value: running ? compact((made / step) * steps) : NOTHING };
}

/** What is left: the ETA, or the place in the queue. */
export function left(job) {
  if (job.status === "queued" && job.queue_position) return `number ${job.queue_position} in the queue`;
  if (job.status !== "running") return NOTHING;
  return duration(job.progress.eta_seconds);
}

/** A word for the status; the reason stands beside it. */
export function badge(job) {
  return h("span", { class: `badge ${job.status}` }, job.status);
}

/** A bar of the steps; `update(job)` moves it. */
export function bar(job) {
  const meter = h("progress", { max: 1, value: 0, "aria-label": "Progress" });
  const words = h("span", { class: "figures" });
  const update = (now) => {
    const { step, total_steps: total } = now.progress;
    meter.max = total || 1;
    meter.value = step;
    say(words, total ? `step ${count(step)} of ${count(total)}` : "not begun");
  };
  update(job);
  return { node: h("div", { class: "bar-of" }, meter, words), update };
}

/** Named figures that keep their nodes while they change; what a job counts is known by name once it has begun. */
export function figures(job) {
  const cells = facts(job).map(() => h("div", {}, h("dt"), h("dd")));
  const update = (now) =>
    facts(now).forEach(([name, value], at) => {
      say(cells[at].firstChild, name);
      say(cells[at].lastChild, value);
    });
  update(job);
  return { node: h("dl", { class: "facts" }, cells), update };
}

function facts(job) {
  const { progress, metrics } = job;
  const [made, number] = work(progress);
  return [
    ["Loss", loss(metrics.loss)],
    ["Test accuracy", percent(metrics.test_accuracy)],
    ["Best", percent(metrics.best_test_accuracy)],
    ["Left", left(job)],
    [made, compact(number)],
    ["Per second", rate(job).value],
    ["Epoch", progress.epoch.toFixed(2)],
    ["Parameters", count(job.model.parameters)],
    ["Retries", count(job.retries)],
  ];
}
