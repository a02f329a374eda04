// All jobs as a table: running ones first, with filters, a search and sorting by the service.

import { fill, h, say } from "../dom.js";
import { count } from "../format.js";
import { jobRow } from "../parts/job_row.js";
import { attempt } from "../parts/notices.js";
import { selection } from "../parts/selection.js";
import { find, jobs, link, newest, subscribe } from "../store.js";

const FIGURES = new Set(["step", "evaluation", "retry"]); // events that change the figures of one row only
const STATUSES = ["running", "queued", "paused", "succeeded", "failed", "cancelled"];
const ROWS = 50; // shown at first, and added by each press of "Show more jobs"
const LARGEST = 100; // jobs of one request
const WAIT_MILLISECONDS = 300;
// Columns: heading, class, the service's name of the column to sort by.
const COLUMNS = [
  ["Job", "job-name", "name"],
  ["Status", "job-status", "status"],
  ["Progress", "job-progress wide-only", null],
  ["Loss", "num wide-only", "loss"],
  ["Accuracy", "job-accuracy num", "test_accuracy"],
  ["Time", "job-time num", "duration_seconds"],
  ["Created", "wide-only", "created_at"],
];
const ASCENDING_FIRST = new Set(["name", "status", "loss", "duration_seconds"]);

/** Show the table; each row keeps its nodes while its figures change. */
export function jobsView(main) {
  const rows = new Map();
  const chosen = new Set();
  const state = { status: "", q: "", sort: "", visible: ROWS };
  const list = { ids: [], total: null }; // what the service answered last
  const body = h("tbody");
  const words = h("p", { class: "lead", role: "status" });
  const more = h("button", { type: "button", onclick: () => attempt(showMore) }, "Show older jobs");
  const heads = COLUMNS.map(([label, kind, column]) => head(label, kind, column && (() => sortBy(column))));
  const all = h("input", { type: "checkbox", "aria-label": "Choose all jobs shown", onchange: chooseShown });
  const top = h("tr", {}, h("th", { scope: "col", class: "pick" }, all), heads, actionsHead());
  const table = h("table", { class: "jobs" }, h("thead", {}, top), body);
  const title = h("div", { class: "head" }, h("h1", {}, "Jobs"), trainLink());
  const acts = selection({ chosen, filter, total: () => list.total ?? 0, changed: reload });
  let timer = null;
  let requests = 0;
  fill(main, title, filters(state, fromStart), words, acts.node, table, more);

  /** The filter as the service's actions take it. */
  function filter() {
    return { ...(state.status && { status: [state.status] }), ...(state.q && { q: state.q }) };
  }

  function fromStart() {
    state.visible = ROWS;
    return reload();
  }

  /** Ask the service for the rows that are visible. */
  async function reload() {
    const turn = ++requests;
    const ids = [];
    let page = { next: "", total: 0 };
    while (page.next !== null && ids.length < state.visible) {
      const limit = Math.min(LARGEST, state.visible - ids.length);
      page = await find({ status: state.status, q: state.q, sort: state.sort, limit, after: page.next });
      ids.push(...page.data.map((job) => job.id));
    }
    if (turn !== requests) return; // a newer request was sent meanwhile
    Object.assign(list, { ids, total: page.total });
    draw();
  }

  function soon() {
    timer ??= setTimeout(() => {
      timer = null;
      reload().catch(() => {}); // the line above the table says that it is not up to date
    }, WAIT_MILLISECONDS);
  }

  function sortBy(column) {
    const first = ASCENDING_FIRST.has(column) ? column : `-${column}`;
    const second = ASCENDING_FIRST.has(column) ? `-${column}` : column;
    state.sort = state.sort === first ? second : first;
    heads.forEach((cell, index) => {
      if (COLUMNS[index][2] === column) cell.setAttribute("aria-sort", state.sort.startsWith("-") ? "descending" : "ascending");
      else cell.removeAttribute("aria-sort");
    });
    attempt(fromStart);
  }

  async function showMore() {
    state.visible += ROWS;
    await reload();
  }

  /** The ids to show, in order; without another order the running jobs come first. */
  function shownIds() {
    const known = list.ids.filter((id) => jobs.has(id));
    if (state.sort || state.q || (state.status && state.status !== "running")) return known;
    const running = newest().filter((job) => job.status === "running").map((job) => job.id);
    return [...new Set([...running, ...known])];
  }

  function choose(id, on) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    drawChoice();
  }

  function chooseShown() {
    for (const id of shownIds()) if (all.checked) chosen.add(id);
      else chosen.delete(id);
    drawChoice();
  }

  function drawChoice() {
    for (const id of chosen) if (!jobs.has(id)) chosen.delete(id);
    for (const [id, row] of rows) row.box.checked = chosen.has(id);
    all.checked = chosen.size > 0 && shownIds().every((id) => chosen.has(id));
    acts.draw();
  }

  function draw() {
    const shown = shownIds().map((id) => jobs.get(id));
    const focused = document.activeElement;
    const held = shown.find((job) => rows.get(job.id)?.node.contains(focused));
    for (const job of shown) if (rows.get(job.id)?.stamp !== stamp(job)) rows.set(job.id, { ...jobRow(job, choose), stamp: stamp(job) });
    for (const job of shown) rows.get(job.id).update(job);
    place(body, shown.map((job) => rows.get(job.id).node));
    if (held && !focused.isConnected) rows.get(held.id).node.querySelector(focused.localName)?.focus();
    for (const id of rows.keys()) if (!jobs.has(id)) rows.delete(id);
    say(words, lead(shown, state, list));
    table.hidden = !shown.length;
    more.hidden = !list.total || list.ids.length >= list.total;
    drawChoice();
  }

  list.ids = newest().map((job) => job.id); // until the service has answered
  draw();
  attempt(reload);
  const stop = subscribe((id, type) => {
    if (FIGURES.has(type)) return jobs.has(id) && rows.get(id)?.update(jobs.get(id));
    draw();
    return soon();
  });
  return () => {
    clearTimeout(timer);
    requests += 1;
    stop();
  };
}

/** A row is built anew when this changes: its badge and buttons depend on the status. */
const stamp = (job) => `${job.status}/${job.name}`;

/** Put nodes into an order, and move only those out of place: the focused one keeps the focus. */
function place(list, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
}

function lead(shown, { status, q }, list) {
  if (link.trouble) return `Not up to date: ${link.trouble}`;
  const { running, queued, "": total } = link.totals;
  if (!total && !shown.length) return "No jobs yet. Train a network: the form is filled in already, one click starts it.";
  const counts = `${count(running)} running, ${count(queued)} queued, ${count(total)} jobs in all`;
  return status || q ? `${counts}. ${list.total ? `${count(list.total)} match` : "None matches"}.` : `${counts}.`;
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
    state.q = target.value.trim();
    clearTimeout(timer);
    timer = setTimeout(() => attempt(changed), WAIT_MILLISECONDS);
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
