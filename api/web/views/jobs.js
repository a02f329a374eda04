// All jobs as a table: running ones first, with filters, a search and sorting.

import { fill, h, say } from "../dom.js";
import { count } from "../format.js";
import { jobRow } from "../parts/job_row.js";
import { attempt } from "../parts/notices.js";
import { hasOlder, jobs, link, loadUntil, newest, older, subscribe } from "../store.js";

const FIGURES = new Set(["step", "evaluation", "retry"]); // events that change the figures of one row only
const STATUSES = ["running", "queued", "paused", "succeeded", "failed", "cancelled"];
const ROWS = 50; // shown at first, and added by each press of "Show older jobs"
const SEARCH_MILLISECONDS = 300;
const seconds = ({ started_at: from, finished_at: to }) => (from && to ? new Date(to) - new Date(from) : null);
// Columns: heading, class, the value to sort by.
const COLUMNS = [
  ["Job", "", (job) => job.name],
  ["Status", "", null],
  ["Progress", "wide-only", null],
  ["Loss", "num wide-only", (job) => job.metrics.loss],
  ["Accuracy", "num", (job) => job.metrics.test_accuracy],
  ["Rate", "num wide-only", null],
  ["Time", "num", seconds],
  ["Created", "wide-only", (job) => job.created_at],
];

/** Show the table; each row keeps its nodes while its figures change. */
export function jobsView(main) {
  const rows = new Map();
  const state = { status: "", text: "", sort: null, descending: true, visible: ROWS };
  const body = h("tbody");
  const words = h("p", { class: "lead", role: "status" });
  const more = h("button", { type: "button", onclick: () => attempt(showMore) }, "Show older jobs");
  const heads = COLUMNS.map(([label, kind, value]) => head(label, kind, value && (() => sortBy(value))));
  const table = h("table", { class: "jobs" }, h("thead", {}, h("tr", {}, heads, actionsHead())), body);
  const title = h("div", { class: "head" }, h("h1", {}, "Jobs"), trainLink());
  fill(main, title, filters(state, reload), words, table, more);

  /** Load what the filters need, then draw. */
  async function reload() {
    state.visible = ROWS;
    draw();
    await loadUntil(() => !state.sort && matching(state).length >= ROWS, state.status);
    draw();
  }

  function sortBy(value) {
    state.descending = state.sort === value ? !state.descending : true;
    state.sort = value;
    heads.forEach((cell, index) => {
      const order = COLUMNS[index][2] === value && (state.descending ? "descending" : "ascending");
      if (order) cell.setAttribute("aria-sort", order);
      else cell.removeAttribute("aria-sort");
    });
    attempt(reload);
  }

  async function showMore() {
    state.visible += ROWS;
    if (matching(state).length < state.visible && hasOlder(state.status)) await older(state.status);
    draw();
  }

  function draw() {
    const found = matching(state);
    const shown = found.slice(0, state.visible);
    const focused = document.activeElement;
    const held = shown.find((job) => rows.get(job.id)?.node.contains(focused));
    for (const job of shown) if (rows.get(job.id)?.stamp !== stamp(job)) rows.set(job.id, { ...jobRow(job), stamp: stamp(job) });
    for (const job of shown) rows.get(job.id).update(job);
    place(body, shown.map((job) => rows.get(job.id).node));
    if (held && !focused.isConnected) rows.get(held.id).node.querySelector(focused.localName)?.focus();
    for (const id of rows.keys()) if (!jobs.has(id)) rows.delete(id);
    say(words, lead(shown, state));
    table.hidden = !shown.length;
    more.hidden = found.length <= state.visible && !hasOlder(state.status);
  }

  draw();
  return subscribe((id, type) => (FIGURES.has(type) ? jobs.has(id) && rows.get(id)?.update(jobs.get(id)) : draw()));
}

/** A row is built anew when this changes: its badge and buttons depend on the status. */
const stamp = (job) => `${job.status}/${job.name}`;

/** The loaded jobs that match the filters, in their order. */
function matching({ status, text, sort, descending }) {
  const wanted = text.toLowerCase();
  const found = newest().filter((job) => (!status || job.status === status) && searched(job).includes(wanted));
  if (!sort) return found.sort((one, other) => (other.status === "running") - (one.status === "running"));
  const sign = descending ? -1 : 1;
  return found.sort((one, other) => missing(sort(one)) - missing(sort(other)) || sign * order(sort(one), sort(other)));
}

const missing = (value) => value === null || value === undefined;
const order = (one, other) => (one < other ? -1 : Number(one > other));

function searched({ id, name, spec }) {
  const notes = Object.entries(spec.metadata ?? {}).map(([key, value]) => `${key}=${value}`);
  return [id, name, spec.gradient.method, spec.dataset.name, ...notes].join(" ").toLowerCase();
}

/** Put nodes into an order, and move only those out of place: the focused one keeps the focus. */
function place(list, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
}

function lead(shown, { status, text }) {
  if (link.trouble) return `Not up to date: ${link.trouble}`;
  const { running, queued, "": total } = link.totals;
  if (!total && !shown.length) return "No jobs yet. Train a network: the form is filled in already, one click starts it.";
  const counts = `${count(running)} running, ${count(queued)} queued, ${count(total)} jobs in all`;
  return status || text ? `${counts}. ${shown.length || "None"} shown.` : `${counts}.`;
}

const trainLink = () => h("a", { class: "button primary", href: "#/new" }, "Train a network");
const actionsHead = () => h("th", { scope: "col" }, h("span", { class: "hidden" }, "Actions"));

function head(label, kind, sort) {
  const words = sort ? h("button", { type: "button", class: "quiet", onclick: sort }, label) : label;
  return h("th", { scope: "col", class: kind }, words);
}

function filters(state, changed) {
  let timer = null;
  const options = [["", "all"], ...STATUSES.map((status) => [status, status])];
  const onchange = ({ target }) => attempt(() => changed(Object.assign(state, { status: target.value })));
  const oninput = ({ target }) => {
    state.text = target.value.trim();
    clearTimeout(timer);
    timer = setTimeout(() => attempt(changed), SEARCH_MILLISECONDS);
  };
  const select = h("select", { id: "status-filter", onchange }, options.map(([value, text]) => h("option", { value }, text)));
  const search = h("input", { id: "search", type: "search", oninput, placeholder: "name, id, method, key=value" });
  return h(
    "div",
    { class: "inline-form" },
    h("label", { for: "status-filter" }, "Status", select),
    h("label", { for: "search" }, "Search", search),
  );
}
