// The queue and all jobs.

import { fill, h, say } from "../dom.js";
import { clock, loss, percent, summary, title } from "../format.js";
import { actions } from "../parts/actions.js";
import { attempt } from "../parts/notices.js";
import { badge, bar, left, rate } from "../parts/progress.js";
import { jobs, link, newest, older, subscribe } from "../store.js";

const FIGURES = new Set(["step", "evaluation", "retry"]); // events that change figures of one row only

/** Show all jobs; each row keeps its nodes while its figures change. */
export function jobsView(main) {
  const rows = new Map();
  const list = h("ul", { class: "jobs" });
  const words = h("p", { class: "lead" });
  const more = h("button", { type: "button", onclick: () => attempt(older) }, "Show older jobs");
  fill(
    main,
    h(
      "div",
      { class: "head" },
      h("h1", {}, "Jobs"),
      h("a", { class: "button primary", href: "#/new" }, "Train a network"),
    ),
    words,
    list,
    more,
  );

  function draw() {
    const shown = newest();
    const focused = document.activeElement;
    const held = shown.find((job) => rows.get(job.id)?.node.contains(focused));
    for (const job of shown) if (rows.get(job.id)?.stamp !== stamp(job)) rows.set(job.id, row(job));
    for (const job of shown) rows.get(job.id).update(job);
    place(
      list,
      shown.map((job) => rows.get(job.id).node),
    );
    if (held && !focused.isConnected) rows.get(held.id).node.querySelector(focused.localName).focus();
    for (const id of rows.keys()) if (!jobs.has(id)) rows.delete(id);
    say(words, lead(shown));
    more.hidden = !link.next;
  }

  draw();
  return subscribe((id, type) => (FIGURES.has(type) ? rows.get(id)?.update(jobs.get(id)) : draw()));
}

/** What a row is made anew for: its badge and buttons go by the status. */
const stamp = (job) => `${job.status}/${job.name}`;

/** Put nodes into an order, and touch only what is out of it: what has the focus keeps it. */
function place(list, nodes) {
  const wanted = new Set(nodes);
  for (const node of [...list.children]) if (!wanted.has(node)) node.remove();
  nodes.forEach((node, index) => {
    if (list.children[index] !== node) list.insertBefore(node, list.children[index] ?? null);
  });
}

function lead(shown) {
  if (link.trouble) return `Not up to date: ${link.trouble}`;
  if (!shown.length) return "No job yet. Train a network: the form is filled in already, one click starts it.";
  const number = (status) => shown.filter((job) => job.status === status).length;
  return `${number("running")} running, ${number("queued")} waiting, ${shown.length} shown.`;
}

function row(job) {
  const progress = bar(job);
  const cell = (name) => h("span", { class: "cell" }, h("small", {}, name), h("b"));
  const cells = { loss: cell("loss"), accuracy: cell("test accuracy"), rate: cell("passes/s"), left: cell("left") };
  const reason = h("p", { class: "reason" });
  const node = h(
    "li",
    { class: `card job ${job.status}` },
    head(job),
    progress.node,
    h("div", { class: "cells" }, Object.values(cells)),
    reason,
    h("div", { class: "actions" }, actions(job)),
  );
  const update = (now) => {
    const speed = rate(now);
    progress.update(now);
    say(cells.loss.lastChild, loss(now.metrics.loss));
    say(cells.accuracy.lastChild, percent(now.metrics.test_accuracy));
    say(cells.rate.firstChild, speed.unit);
    say(cells.rate.lastChild, speed.value);
    say(cells.left.lastChild, left(now));
    say(reason, now.status_reason?.message ?? "");
  };
  return { node, update, stamp: stamp(job) };
}

const head = (job) =>
  h(
    "div",
    { class: "job-head" },
    h("a", { href: `#/jobs/${job.id}`, class: "title" }, title(job)),
    badge(job),
    h(
      "span",
      { class: "soft" },
      `${summary(job.spec)} · `,
      h("time", { datetime: job.created_at, title: job.created_at }, clock(job.created_at)),
    ),
  );
