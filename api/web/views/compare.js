// Several jobs laid over each other, to compare methods.

import { fill, h } from "../dom.js";
import { summary, title, work } from "../format.js";
import { accuracyChart, INKS, lossChart } from "../parts/chart.js";
import { histories, jobs, loadHistory, newest, read, subscribe } from "../store.js";

const AGAIN_MILLISECONDS = 3000;
const FIRST = 3;
const XS = {
  step: ["step", (point) => point.step],
  elapsed: ["seconds of training", (point) => point.elapsed_seconds],
  passes: ["passes or evaluations", (point, { progress }) => (point.step * work(progress)[1]) / (progress.step || 1)],
};

/** Show the curves of the chosen jobs; the choice stands in the address. */
export function compareView(main, argument) {
  const chosen = new Set(argument ? argument.split(",") : latest());
  const charts = [
    { chart: lossChart(), field: "loss", points: false },
    { chart: accuracyChart(), field: "test_accuracy", points: true },
  ];
  const boxes = h("fieldset", { class: "choices" });
  const axis = axisChoice(draw);
  const nodes = charts.map(({ chart }) => chart.node);
  let left = false;
  let listed = "";

  function draw() {
    if (left) return;
    const shown = [...chosen].filter((id) => jobs.has(id) && histories.has(id)).map((id) => jobs.get(id));
    const [x, across] = XS[axis.value];
    for (const { chart, field, points } of charts) chart.show(...overlay(shown, field, across, points), x);
  }

  async function known(id) {
    if (!jobs.has(id)) await read(id);
    await loadHistory(id);
  }

  const load = () => Promise.allSettled([...chosen].map(known)).then(draw);
  const fresh = () => [...chosen].some((id) => jobs.get(id)?.status === "running") && load();

  function turn(id, on) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    history.replaceState(null, "", `#/compare/${[...chosen].join(",")}`);
    load();
  }

  function list() {
    const key = newest()
      .map((job) => `${job.id} ${job.name} ${job.progress.step > 0}`)
      .join();
    if (key !== listed) fill(boxes, h("legend", {}, "Jobs"), choices(chosen, turn)); // else what has the focus keeps it
    listed = key;
  }

  fill(
    main,
    h("h1", {}, "Compare"),
    h("p", { class: "lead" }, "Choose jobs; their curves lie over each other."),
    h(
      "div",
      { class: "compare" },
      h("section", { class: "card" }, boxes, h("label", { for: "axis" }, "Across: ", axis)),
      h("section", { class: "card" }, nodes),
    ),
  );
  list();
  load();
  const timer = setInterval(fresh, AGAIN_MILLISECONDS);
  const stop = subscribe((id, type) => {
    if (type === "list" || type === "job") list();
    if (type === "status" && chosen.has(id)) load(); // its last points come with its end
  });
  return () => {
    left = true;
    clearInterval(timer);
    stop();
    for (const { chart } of charts) chart.dispose();
  };
}

function latest() {
  const begun = newest().filter((job) => job.progress.step);
  return begun.slice(0, FIRST).map((job) => job.id);
}

function axisChoice(onchange) {
  const options = Object.entries(XS).map(([value, [words]]) => h("option", { value }, words));
  return h("select", { id: "axis", onchange }, options);
}

function choices(chosen, turn) {
  const found = newest().filter((job) => job.progress.step || chosen.has(job.id));
  if (!found.length) return h("p", { class: "empty" }, "No job has begun yet.");
  return found.map((job) => {
    const onchange = (event) => turn(job.id, event.target.checked);
    return h(
      "label",
      { class: "choice" },
      h("input", { type: "checkbox", checked: chosen.has(job.id), onchange }),
      h("span", {}, title(job), h("small", { class: "soft" }, ` ${summary(job.spec)}`)),
    );
  });
}

/** One axis for all: the xs of every job, sorted; where a job has no point there is a gap that its line spans. */
function overlay(shown, field, across, points) {
  const curves = shown.map((job) => new Map(curve(job, field, across)));
  const xs = [...new Set(curves.flatMap((one) => [...one.keys()]))].sort((one, other) => one - other);
  const ys = curves.map((one) => xs.map((x) => one.get(x) ?? null));
  const lines = shown.map((job, index) => ({
    label: `${title(job)} (${job.spec.gradient.method})`,
    ink: INKS[index % INKS.length],
    points,
    dash: index >= INKS.length ? [4, 4] : undefined,
  }));
  return [[xs, ...ys], lines];
}

/** The points of a job, as [x, y]; some have no time, or no accuracy. */
function curve(job, field, across) {
  const points = histories.get(job.id).map((point) => [across(point, job), point[field]]);
  return points.filter(([x, y]) => x != null && y != null);
}
