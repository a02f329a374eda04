// How far a job is: badge, bar, and the figures beside it.

import { h, say } from "../dom.js";
import { compact, count, duration, loss, NOTHING, percent } from "../format.js";

/** The rate of what the method counts: passes, or function values where it uses nothing else. */
export function rate(job) {
  const { step, passes, evaluations, steps_per_second: steps } = job.progress;
  const [made, unit] = passes || !evaluations ? [passes, "passes/s"] : [evaluations, "evaluations/s"];
  const running = job.status === "running" && steps && step;
  return { unit, value: running ? compact((made / step) * steps) : NOTHING };
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

/** Named figures that keep their nodes while they change. */
export function figures(job) {
  const cells = new Map();
  const list = h("dl", { class: "facts" });
  const update = (now) => {
    for (const [name, value] of facts(now)) {
      if (!cells.has(name)) cells.set(name, list.appendChild(h("div", {}, h("dt", {}, name), h("dd"))).lastChild);
      say(cells.get(name), value);
    }
  };
  update(job);
  return { node: list, update };
}

function facts(job) {
  const { progress, metrics } = job;
  return [
    ["Loss", loss(metrics.loss)],
    ["Test accuracy", percent(metrics.test_accuracy)],
    ["Best", percent(metrics.best_test_accuracy)],
    ["Left", left(job)],
    [
      progress.passes || !progress.evaluations ? "Passes" : "Evaluations",
      compact(progress.passes || progress.evaluations),
    ],
    ["Per second", rate(job).value],
    ["Epoch", progress.epoch.toFixed(2)],
    ["Parameters", count(job.model.parameters)],
    ["Retries", count(job.retries)],
  ];
}
