// Curves of several jobs and sweeps in one chart, with a table of their final values.

import * as api from "../api.js";
import { fill, h } from "../dom.js";
import { summary, title } from "../format.js";
import { accuracyChart, lossChart } from "../parts/chart.js";
import { comparison } from "../parts/comparison.js";
import { cellCurve, jobCurve, overlay, XS } from "../parts/curves.js";
import { attempt } from "../parts/notices.js";
import { find as lookUp, hasOlder, histories, jobs, loadHistory, newest, older, read, subscribe } from "../store.js";

const AGAIN_MILLISECONDS = 3000;
const SEARCH_MILLISECONDS = 300;
const FIRST = 3;
const SHOWN = 50; // matches of a search that are looked for
/** Show the curves of the chosen jobs; the choice is part of the address. */
export function compareView(main, argument) {
  const chosen = new Set(argument ? argument.split(",") : latest());
  const charts = [
    { chart: lossChart(), field: "loss", points: false },
    { chart: accuracyChart(), field: "test_accuracy", points: true },
  ];
  const axis = choice("axis", "X axis", Object.entries(XS).map(([value, [words]]) => [value, words]), draw);
  const scale = choice("scale", "Loss axis", [["", "linear"], ["log", "logarithmic"]], draw);
  const smoothing = choice("smoothing", "Smoothing", [["0", "none"], ["0.6", "some"], ["0.9", "strong"]], draw);
  const sweeps = new Map(); // by id: {sweep, history}
  const table = comparison();
  const picker = jobPicker(chosen, turn);
  let left = false;

  function draw() {
    if (left) return;
    const shown = [...chosen].filter((id) => jobs.has(id) && histories.has(id)).map((id) => jobs.get(id));
    const cells = [...chosen].filter((id) => sweeps.has(id)).flatMap((id) => cellsOf(sweeps.get(id)));
    const [x, across] = XS[axis.value];
    for (const { chart, field, points } of charts) {
      const own = shown.map((job) => jobCurve(job, histories.get(job.id), field, across));
      const means = cells.map(({ label, history }) => cellCurve(label, history, field, across));
      const [data, lines] = overlay([...own, ...means], points, points ? 0 : Number(smoothing.value));
      chart.show(data, lines, x, undefined, field === "loss" && scale.value === "log");
    }
    table.show(shown, cells);
  }

  async function load() {
    await Promise.allSettled([...chosen].map(known));
    draw();
  }

  async function known(id) {
    if (id.startsWith("sweep-")) {
      const [sweep, { data: history }] = await Promise.all([api.sweep(id), api.sweepHistory(id)]);
      sweeps.set(id, { sweep, history });
      return;
    }
    if (!jobs.has(id)) await read(id);
    await loadHistory(id);
  }

  const runs = (id) => (jobs.get(id) ?? sweeps.get(id)?.sweep)?.status === "running";
  const fresh = () => [...chosen].some(runs) && load();

  function turn(id, on) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    history.replaceState(history.state, "", `#/compare/${[...chosen].join(",")}`);
    load();
  }

  const nodes = charts.map(({ chart }) => chart.node);
  const choices = h("section", { class: "card" }, picker.nodes, [axis, scale, smoothing].map((select) => select.label));
  const curves = h("section", { class: "card" }, nodes, table.node);
  const hint = h("p", { class: "lead" }, "Choose jobs and sweeps to see their curves in one chart and their final values below. Bands show one standard deviation over the seeds.");
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

/** A select with its label at `label`. */
function choice(id, words, options, onchange) {
  const select = h("select", { id, onchange }, options.map(([value, text]) => h("option", { value }, text)));
  select.label = h("label", { for: id, class: "choice" }, `${words}: `, select);
  return select;
}

/** The cells of a sweep that have a curve. */
function cellsOf({ sweep, history }) {
  const name = sweep.name || sweep.id;
  return sweep.cells.map((cell, index) => ({
    label: `${name}: ${cell.name} (n = ${cell.n})`,
    href: `#/sweeps/${sweep.id}`,
    cell,
    history: history[index].points,
  }));
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

  let sweeps = [];
  api.sweeps().then(
    (page) => {
      sweeps = page.data;
      draw();
    },
    () => {}, // the list of jobs stays usable
  );

  async function load() {
    if (search.value) await lookUp({ q: search.value.trim(), limit: SHOWN });
    draw();
  }

  function matches() {
    const text = search.value.trim().toLowerCase();
    const described = (job) => `${job.name} ${job.id} ${summary(job.spec)} ${job.spec.dataset.name}`.toLowerCase();
    return newest().filter((job) => chosen.has(job.id) || (job.progress.step && described(job).includes(text)));
  }

  function draw() {
    const shown = matches();
    const text = search.value.trim().toLowerCase();
    const matchingSweeps = sweeps.filter((sweep) => chosen.has(sweep.id) || `${sweep.name} ${sweep.id}`.toLowerCase().includes(text));
    const key = [...matchingSweeps, ...shown].map((one) => `${one.id} ${one.name}`).join();
    if (key !== listed) fill(boxes, h("legend", {}, "Jobs and sweeps"), sweepChoices(matchingSweeps, chosen, turn), choices(shown, chosen, turn)); // the focused box stays
    listed = key;
    more.hidden = !hasOlder();
  }
  return { nodes: [h("label", { for: "compare-search" }, "Find jobs", search), boxes, more], draw };
}

function sweepChoices(sweeps, chosen, turn) {
  return sweeps.map((sweep) => {
    const onchange = (event) => turn(sweep.id, event.target.checked);
    const box = h("input", { type: "checkbox", checked: chosen.has(sweep.id), onchange });
    const words = h("span", {}, title(sweep), h("small", { class: "soft" }, ` sweep of ${sweep.jobs} jobs, ${sweep.status}`));
    return h("label", { class: "choice" }, box, words);
  });
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
