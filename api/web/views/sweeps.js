// Sweeps: the list with a form for a new one, and the view of one sweep.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";
import { clock, count, duration, title } from "../format.js";
import { attempt, notice } from "../parts/notices.js";
import { maySubmit } from "../store.js";
import { sweepView } from "./sweep.js";

const AGAIN_MILLISECONDS = 3000;
const EXAMPLE = {
  name: "learning rates",
  base: { gradient: { method: "per-neuron" }, max_steps: 400 },
  grid: { "optimizer.learning_rate": [0.3, 0.1, 0.03] },
  seeds: 3,
};
const COLUMNS = ["Sweep", "Status", "Jobs ended", "Created"];

/** Show the list, or the sweep whose id is the argument. */
export function sweepsView(main, argument) {
  return argument ? sweepView(main, argument) : listView(main);
}

function listView(main) {
  const body = h("tbody");
  const words = h("p", { class: "lead", role: "status" });
  const head = h("tr", {}, COLUMNS.map((name) => h("th", { scope: "col" }, name)));
  const table = h("table", { class: "sweeps" }, h("thead", {}, head), body);
  const more = h("button", { type: "button", onclick: () => attempt(showMore) }, "Show older sweeps");
  const sweeps = new Map();
  let next = null;
  let begun = false;

  function draw() {
    const listed = [...sweeps.values()].sort((one, other) => other.created_at.localeCompare(one.created_at));
    fill(body, listed.map(row));
    table.hidden = !listed.length;
    more.hidden = next === null;
    if (begun) say(words, listed.length ? "A sweep runs one job in many cells, each over several seeds." : "No sweeps yet. Open the form below and start one.");
  }

  async function load() {
    const page = await api.sweeps();
    const present = new Set(page.data.map((sweep) => sweep.id));
    const oldest = page.has_more ? page.data.at(-1).created_at : "";
    for (const [id, sweep] of sweeps) if (sweep.created_at > oldest && !present.has(id)) sweeps.delete(id);
    for (const sweep of page.data) sweeps.set(sweep.id, sweep);
    if (!begun) next = page.next;
    begun = true;
    draw();
  }

  async function showMore() {
    const page = await api.sweeps(next);
    for (const sweep of page.data) sweeps.set(sweep.id, sweep);
    next = page.next;
    draw();
  }

  const timer = setInterval(() => load().catch(() => {}), AGAIN_MILLISECONDS);
  fill(main, h("h1", {}, "Sweeps"), words, table, more, maySubmit() && form());
  draw();
  attempt(load);
  return () => clearInterval(timer);
}

function row(sweep) {
  const link = h("a", { href: `#/sweeps/${sweep.id}` }, title(sweep));
  const created = h("time", { datetime: sweep.created_at }, clock(sweep.created_at));
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, link),
    h("td", {}, h("span", { class: `badge ${sweep.status}` }, sweep.status)),
    h("td", {}, ended(sweep)),
    h("td", {}, created),
  );
}

const ended = ({ counts, jobs }) => `${count(counts.succeeded + counts.failed + counts.cancelled)} of ${count(jobs)}`;

/** A form for a new sweep, which is written as JSON. */
function form() {
  const text = h("textarea", { class: "sweep-spec", id: "sweep-spec", spellcheck: "false" });
  const outcome = h("p", { class: "hint", role: "status" });
  const wrong = h("p", { class: "trouble", role: "alert" });
  text.value = JSON.stringify(EXAMPLE, null, 2);

  async function tried(work) {
    say(wrong, "");
    try {
      await work(JSON.parse(text.value));
    } catch (trouble) {
      const faults = trouble.faults?.map(({ pointer, message }) => `${pointer}: ${message}`) ?? [];
      say(wrong, faults.length ? faults.join("; ") : trouble.message);
    }
  }

  const estimate = () =>
    tried(async (spec) => {
      const size = await api.sweepSize(spec);
      say(outcome, `${count(size.cells)} cells, ${count(size.jobs)} jobs, about ${duration(size.estimated_seconds)} one after the other.`);
    });
  const start = () =>
    tried(async (spec) => {
      const sweep = await api.submitSweep(spec, api.newKey());
      notice(`Sweep ${title(sweep)} started.`);
      location.hash = `#/sweeps/${sweep.id}`;
    });
  return h(
    "section",
    { class: "card" },
    h("h2", {}, "New sweep"),
    h("label", { for: "sweep-spec", class: "hint" }, "Base job, variants or a grid of values, and the number of seeds, as JSON. Paths are those of a job's fields."),
    text,
    wrong,
    outcome,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "primary", onclick: start }, "Start sweep"),
      h("button", { type: "button", onclick: estimate }, "Estimate"),
    ),
  );
}
