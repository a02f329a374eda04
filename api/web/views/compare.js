// Curves of several jobs in one chart, with a table of their final values.

import { fill, h } from "../dom.js";
import { summary, title, work } from "../format.js";
import { accuracyChart, INKS, lossChart } from "../parts/chart.js";
import { comparison } from "../parts/comparison.js";
import { attempt } from "../parts/notices.js";
import { hasOlder, histories, jobs, loadHistory, loadUntil, newest, older, read, subscribe } from "../store.js";

const AGAIN_MILLISECONDS = 3000;
const SEARCH_MILLISECONDS = 300;
const FIRST = 3;
const SHOWN = 50; // matches of a search that are looked for
const XS = {
  step: ["step", (point) => point.step],
  elapsed: ["seconds of training", (point) => point.seconds],
  passes: ["passes or evaluations", (point, { progress }) => (point.step * work(progress)[1]) / (progress.step || 1)],
};

/** Show the curves of the chosen jobs; the choice is part of the address. */
export function compareView(main, argument) {
  const chosen = new Set(argument ? argument.split(",") : latest());
  const charts = [
    { chart: lossChart(), field: "loss", points: false },
    { chart: accuracyChart(), field: "test_accuracy", points: true },
  ];
  const axis = axisChoice(draw);
  const table = comparison();
  const picker = jobPicker(chosen, turn);
  let left = false;

  function draw() {
    if (left) return;
    const shown = [...chosen].filter((id) => jobs.has(id) && histories.has(id)).map((id) => jobs.get(id));
    const [x, across] = XS[axis.value];
    for (const { chart, field, points } of charts) chart.show(...overlay(shown, field, across, points), x);
    table.show(shown);
  }

  async function load() {
    await Promise.allSettled([...chosen].map(known));
    draw();
  }

  async function known(id) {
    if (!jobs.has(id)) await read(id);
    await loadHistory(id);
  }

  const fresh = () => [...chosen].some((id) => jobs.get(id)?.status === "running") && load();

  function turn(id, on) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    history.replaceState(history.state, "", `#/compare/${[...chosen].join(",")}`);
    load();
  }

  const nodes = charts.map(({ chart }) => chart.node);
  const choices = h("section", { class: "card" }, picker.nodes, h("label", { for: "axis" }, "X axis: ", axis));
  const curves = h("section", { class: "card" }, nodes, table.node);
  const hint = h("p", { class: "lead" }, "Choose jobs to see their curves in one chart and their final values below.");
  fill(main, h("h1", {}, "Compare"), hint, h("div", { class: "compare" }, choices, curves));
  picker.draw();
  load();
  const timer = setInterval(fresh, AGAIN_MILLISECONDS);
  const stop = subscribe((id, type) => {
    if (type === "list" || type === "job") picker.draw();
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
  const started = newest().filter((job) => job.progress.step);
  return started.slice(0, FIRST).map((job) => job.id);
}

function axisChoice(onchange) {
  const options = Object.entries(XS).map(([value, [words]]) => h("option", { value }, words));
  return h("select", { id: "axis", onchange }, options);
}

/** Check boxes for jobs, with a search over all of them. */
function jobPicker(chosen, turn) {
  const boxes = h("fieldset", { class: "choices" });
  const search = h("input", { id: "compare-search", type: "search", placeholder: "name, id or method", oninput: find });
  const more = h("button", { type: "button", onclick: () => attempt(older) }, "Show older jobs");
  let listed = null;
  let timer = null;

  function find() {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(load), SEARCH_MILLISECONDS);
  }

  async function load() {
    if (search.value) await loadUntil(() => matches().length >= SHOWN);
    draw();
  }

  function matches() {
    const text = search.value.trim().toLowerCase();
    const described = (job) => `${job.name} ${job.id} ${summary(job.spec)} ${job.spec.dataset.name}`.toLowerCase();
    return newest().filter((job) => chosen.has(job.id) || (job.progress.step && described(job).includes(text)));
  }

  function draw() {
    const shown = matches();
    const key = shown.map((job) => `${job.id} ${job.name}`).join();
    if (key !== listed) fill(boxes, h("legend", {}, "Jobs"), choices(shown, chosen, turn)); // the focused box stays
    listed = key;
    more.hidden = !hasOlder();
  }
  return { nodes: [h("label", { for: "compare-search" }, "Find jobs", search), boxes, more], draw };
}

function choices(shown, chosen, turn) {
  if (!shown.length) return h("p", { class: "empty" }, "No job to compare: none has made a step, or none matches.");
  return shown.map((job) => {
    const onchange = (event) => turn(job.id, event.target.checked);
    const box = h("input", { type: "checkbox", checked: chosen.has(job.id), onchange });
    const words = h("span", {}, title(job), h("small", { class: "soft" }, ` ${summary(job.spec)}, seed ${job.spec.seed}`));
    return h("label", { class: "choice" }, box, words);
  });
}

/** One axis for all: the xs of every job, sorted; where a job has no point, its line spans the gap. */
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
