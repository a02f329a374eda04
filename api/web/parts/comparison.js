// A table of jobs side by side: final values, and the fields in which their specs differ.

import { fill, h } from "../dom.js";
import { duration, loss, percent, secondsTaken, spread, title } from "../format.js";

const RESULTS = [
  ["loss", (job) => loss(job.metrics.loss)],
  ["test accuracy", (job) => percent(job.metrics.test_accuracy)],
  ["best test accuracy", (job) => percent(job.metrics.best_test_accuracy)],
  ["duration", (job) => duration(secondsTaken(job))],
];
const CELL_RESULTS = [
  (cell) => spread(cell.loss, loss),
  (cell) => spread(cell.test_accuracy, percent),
  (cell) => spread(cell.best_test_accuracy, percent),
  (cell) => duration(cell.seconds.mean),
];
const IGNORED = new Set(["name", "priority", "webhook_url", "keep_seconds", "keep_checkpoints"]);

/** The table; `show(jobs, cells)` fills it with jobs and with cells of sweeps. */
export function comparison() {
  const node = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Final values" });

  function show(jobs, cells = []) {
    const columns = [...RESULTS, ...differences(jobs)];
    const head = h("tr", {}, ["job", ...columns.map(([name]) => name)].map((name) => h("th", { scope: "col" }, name)));
    const rows = jobs.map((job) => {
      const link = h("a", { href: `#/jobs/${job.id}` }, title(job));
      return h("tr", {}, h("th", { scope: "row" }, link), columns.map(([, value]) => h("td", {}, value(job))));
    });
    const means = cells.map(({ label, href, cell }) => {
      const values = CELL_RESULTS.map((value) => value(cell));
      const settings = differences(jobs).map(([path]) => cell.set[path] ?? "");
      const link = h("a", { href }, label);
      return h("tr", {}, h("th", { scope: "row" }, link), [...values, ...settings].map((value) => h("td", {}, String(value))));
    });
    rows.push(...means);
    fill(node, rows.length > 0 && h("table", { class: "values" }, h("thead", {}, head), h("tbody", {}, rows)));
  }
  return { node, show };
}

/** The fields in which the specs differ, as [path, value of a job]. */
function differences(jobs) {
  const specs = new Map(jobs.map((job) => [job.id, flat(job.spec)]));
  const paths = [...new Set([...specs.values()].flatMap((spec) => Object.keys(spec)))];
  const differ = (path) => new Set([...specs.values()].map((spec) => spec[path])).size > 1;
  return paths.filter(differ).map((path) => [path, (job) => specs.get(job.id)[path] ?? ""]);
}

function flat(part, prefix = "") {
  const pairs = Object.entries(part ?? {}).filter(([name]) => prefix || !IGNORED.has(name));
  const branch = (value) => value && typeof value === "object" && !Array.isArray(value);
  return Object.assign({}, ...pairs.map(([name, value]) =>
    branch(value) ? flat(value, `${prefix}${name}.`) : { [prefix + name]: Array.isArray(value) ? layers(value) : String(value) },
  ));
}

const layers = (list) => list.map((layer) => layer.custom ?? `${layer.units} ${layer.activation}`).join(", ");
