// Progress of a job: badge, bar, and figures.

import { h, say } from "../dom.js";
import { clock, compact, count, duration, loss, NOTHING, percent, secondsTaken, work } from "../format.js";
import { link } from "../store.js";

/** Units of work per second: {unit, value}. Current for a running job, the mean for an ended one. */
export function rate(job) {
  const { step, steps_per_second: steps } = job.progress;
  const [name, done] = work(job.progress);
  const seconds = secondsTaken(job);
  const perSecond = seconds ? done / seconds : job.status === "running" && step ? (done / step) * (steps ?? 0) : 0;
  return { unit: `${name.toLowerCase()}/s`, value: perSecond ? compact(perSecond) : NOTHING };
}

/** The time of a job as [label, value]: until its start, until its end, or what it took. */
export function time(job) {
  if (job.finished_at) return ["Duration", duration(secondsTaken(job))];
  if (job.status === "queued") return ["Starts", start(job)];
  return ["Time left", job.status === "running" && link.live ? duration(job.progress.eta_seconds) : NOTHING];
}

function start({ queue_position: position, estimated_start_at: at }) {
  if (!position) return NOTHING;
  return at ? `about ${clock(at)} (number ${position} in the queue)` : `number ${position} in the queue`;
}

/** The status as a colored label. */
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
    say(words, total ? `step ${count(step)} of ${count(total)}` : "not started");
  };
  update(job);
  return { node: h("div", { class: "bar-of" }, meter, words), update };
}

/** A list of named figures that keeps its nodes while they change. */
export function figures(job) {
  const cells = facts(job).map(() => h("div", {}, h("dt"), h("dd")));
  const update = (now) =>
    facts(now).forEach(([name, value], index) => {
      say(cells[index].firstChild, name);
      say(cells[index].lastChild, value);
    });
  update(job);
  return { node: h("dl", { class: "facts" }, cells), update };
}

function facts(job) {
  const { progress, metrics } = job;
  const [unit, number] = work(progress);
  return [
    ["Loss", loss(metrics.loss)],
    ["Test accuracy", percent(metrics.test_accuracy)],
    ["Best test accuracy", percent(metrics.best_test_accuracy)],
    time(job),
    [unit, compact(number)],
    [`${unit} per second`, rate(job).value],
    ["Epoch", progress.epoch.toFixed(2)],
    ["Parameters", count(job.model.parameters)],
    ["Shards sent again", count(job.retries)],
  ];
}
