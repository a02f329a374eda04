// One sweep: its cells with mean and deviation over the seeds, their mean curves with bands, and its actions.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";
import { compact, count, duration, loss, percent, spread, title } from "../format.js";
import { accuracyChart, lossChart } from "../parts/chart.js";
import { cellCurve, overlay, XS } from "../parts/curves.js";
import { attempt } from "../parts/notices.js";
import { maySubmit } from "../store.js";

const AGAIN_MILLISECONDS = 2000;
const VERBS = { running: ["pause", "cancel"], paused: ["resume", "cancel"], succeeded: ["delete"], failed: ["delete"], cancelled: ["delete"] };
const LABELS = { pause: "Pause", resume: "Resume", cancel: "Cancel", delete: "Delete" };
const CONFIRM = {
  cancel: (name) => `Cancel sweep "${name}" with all its jobs that have not ended?`,
  delete: (name) => `Delete sweep "${name}" with all its jobs? This cannot be undone.`,
};
const COLUMNS = [
  ["Cell", ""],
  ["n", "num"],
  ["Test accuracy", "num"],
  ["Best", "num"],
  ["Loss", "num"],
  ["Time", "num"],
  ["Passes", "num"],
];

/** Show the sweep with this id; it is read again while it runs. */
export function sweepView(main, id) {
  const heading = h("h1", {}, id);
  const words = h("p", { class: "lead", role: "status" });
  const acts = h("div", { class: "actions" });
  const table = h("div", { class: "scroll cells", tabindex: 0, role: "region", "aria-label": "Cells" });
  const charts = [
    { chart: lossChart(), field: "loss", dots: false },
    { chart: accuracyChart(), field: "test_accuracy", dots: true },
  ];
  const curves = charts.map(({ chart }) => h("section", { class: "card" }, chart.node));
  const spec = h("pre");
  const whole = h("details", { class: "card" }, h("summary", {}, h("h2", {}, "The whole spec")), spec);
  let sweep = null;
  let left = false;

  async function load() {
    const [record, { data: histories }] = await Promise.all([api.sweep(id), api.sweepHistory(id)]);
    if (left) return;
    const moved = sweep?.status !== record.status;
    sweep = record;
    document.title = `${title(sweep)} · dualtrain`;
    say(heading, title(sweep));
    say(words, told(sweep));
    if (moved) fill(acts, buttons(sweep, act), links(sweep));
    fill(table, cells(sweep));
    say(spec, JSON.stringify(sweep.spec, null, 2));
    for (const { chart, field, dots } of charts) {
      const shown = histories.map(({ cell, points }) => cellCurve(cell, points, field, XS.step[1]));
      chart.show(...overlay(shown.filter(({ points }) => points.length), dots), "step", "Appears with the first steps.");
    }
  }

  async function act(verb) {
    if (CONFIRM[verb] && !window.confirm(CONFIRM[verb](title(sweep)))) return;
    if (verb === "delete") {
      await api.removeSweep(id);
      location.hash = "#/sweeps";
      return;
    }
    await api.moveSweep(id, verb);
    await load();
  }

  const again = () => (sweep === null || sweep.status === "running" || sweep.status === "paused") && load().catch(() => {});
  const timer = setInterval(again, AGAIN_MILLISECONDS);
  const back = h("p", {}, h("a", { href: "#/sweeps" }, "Sweeps"));
  fill(main, back, h("div", { class: "head" }, heading, acts), words, table, h("div", { class: "two" }, curves), whole);
  attempt(load);
  return () => {
    left = true;
    clearInterval(timer);
    for (const { chart } of charts) chart.dispose();
  };
}

function told({ status, counts, jobs, spec }) {
  const parts = Object.entries(counts).filter(([, number]) => number).map(([name, number]) => `${count(number)} ${name === "missing" ? "not queued yet" : name}`);
  const seeds = typeof spec.seeds === "number" ? spec.seeds : spec.seeds.length;
  return `${status}: ${parts.join(", ")} of ${count(jobs)} jobs, ${count(seeds)} ${seeds === 1 ? "seed" : "seeds"} for each cell. Bands show one standard deviation.`;
}

function buttons(sweep, act) {
  if (!maySubmit()) return [];
  return VERBS[sweep.status].map((verb) =>
    h("button", { type: "button", "aria-label": `${LABELS[verb]} sweep`, onclick: () => attempt(() => act(verb)) }, LABELS[verb]),
  );
}

const links = ({ id }) => [h("a", { class: "button", href: `#/compare/${id}` }, "Compare")];

function cells(sweep) {
  const best = Math.max(...sweep.cells.map((cell) => cell.test_accuracy.mean ?? -1));
  const head = h("tr", {}, COLUMNS.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)));
  const rows = sweep.cells.map((cell) => {
    const values = [
      count(cell.n),
      spread(cell.test_accuracy, percent),
      spread(cell.best_test_accuracy, percent),
      spread(cell.loss, loss),
      duration(cell.seconds.mean),
      compact(cell.passes.mean),
    ];
    const kind = cell.test_accuracy.mean === best && best >= 0 ? "best" : "";
    return h("tr", { class: kind }, h("th", { scope: "row" }, cell.name), values.map((value) => h("td", { class: "num" }, value)));
  });
  return h("table", { class: "sweeps" }, h("thead", {}, head), h("tbody", {}, rows));
}
