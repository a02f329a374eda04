// One job: figures, curves, lanes, weights, the ε, files.

import { fill, h, say } from "../dom.js";
import { summary, title } from "../format.js";
import { actions } from "../parts/actions.js";
import { accuracyChart, lossChart } from "../parts/chart.js";
import { confusion } from "../parts/confusion.js";
import { files } from "../parts/files.js";
import { lanes } from "../parts/lanes.js";
import { badge, bar, figures } from "../parts/progress.js";
import { trace } from "../parts/trace.js";
import { weights } from "../parts/weights.js";
import { histories, jobs, link, loadHistory, loadRounds, read, subscribe } from "../store.js";

// Curves of a history: label, field, ink.
const LOSSES = [["loss", "loss", "ink-1"]];
const ACCURACIES = [
  ["test accuracy", "test_accuracy", "ink-2"],
  ["validation accuracy", "validation_accuracy", "ink-3"],
];
const DOTTED = 60; // points at most: of more, the dots would hide the line

/** Show a job; it is read first when the page does not know it. */
export function jobView(main, id) {
  let stop = () => {};
  let left = false;
  const open = (job) => {
    stop();
    if (!left) stop = show(main, job);
  };
  const ask = () => read(id).then(open).catch(miss);
  const miss = (trouble) => {
    if (left) return;
    absent(main, trouble);
    if (trouble.code === "job_not_found") return;
    stop();
    stop = subscribe((_, type) => type === "list" && !link.trouble && ask()); // the service is back
  };
  if (jobs.has(id)) open(jobs.get(id));
  else ask();
  return () => {
    left = true;
    stop();
  };
}

function absent(main, trouble) {
  const gone = trouble.code === "job_not_found";
  fill(
    main,
    h(
      "div",
      { class: "card narrow" },
      h("h1", {}, gone ? "No such job" : "This job cannot be read now"),
      h("p", { role: "alert" }, trouble.message),
      h("a", { href: "#/" }, "All jobs"),
    ),
  );
}

function show(main, job) {
  const top = [head(job), curves(job.id), lanes(job.id)];
  const beside = [weights(job), confusion(job.id)];
  const end = [trace(job), files(job)];
  const parts = [...top, ...beside, ...end];
  const nodes = (some) => some.map((part) => part.node);
  fill(main, nodes(top), h("div", { class: "beside" }, nodes(beside)), nodes(end));
  loadHistory(job.id).catch(() => {});
  if (job.finished_at) loadRounds(job.id).catch(() => {});
  const draw = (id, type) => {
    if (type === "deleted" && id === job.id) location.hash = "#/";
    if (type === "status" && id === job.id) loadHistory(id).catch(() => {}); // events may have overtaken the first one
    const now = jobs.get(job.id);
    if (now && (id === job.id || id === null)) for (const part of parts) part.update?.(now, type);
  };
  draw(job.id, "job");
  const unsubscribe = subscribe(draw);
  return () => {
    unsubscribe();
    for (const part of parts) part.dispose?.();
  };
}

function head(job) {
  const progress = bar(job);
  const facts = figures(job);
  const state = h("span", {});
  const reason = h("p", { class: "reason", role: "status" });
  const buttons = h("div", { class: "actions" });
  let shown = "";
  const node = h(
    "section",
    { class: "card" },
    h("p", { class: "crumb" }, h("a", { href: "#/" }, "Jobs"), " / ", job.id),
    h("div", { class: "head" }, h("h1", {}, title(job), " ", state), buttons),
    h("p", { class: "soft" }, summary(job.spec)),
    progress.node,
    reason,
    facts.node,
  );
  const update = (now) => {
    progress.update(now);
    facts.update(now);
    say(reason, now.status_reason?.message ?? "");
    if (shown === now.status) return;
    shown = now.status;
    fill(state, badge(now));
    const focused = buttons.contains(document.activeElement);
    const link = (href, words) => h("a", { class: "button", href }, words);
    fill(buttons, link(`#/new/${now.id}`, "Run again"), link(`#/draw/${now.id}`, "Draw a digit"), actions(now));
    if (focused) buttons.lastChild.focus(); // the button that was pressed is gone; the keyboard stays here
  };
  return { node, update };
}

function curves(id) {
  const [losses, accuracies] = [lossChart(), accuracyChart()];
  const update = () => {
    const points = histories.get(id) ?? [];
    const evaluations = points.filter((point) => point.test_accuracy != null);
    losses.show(...series(points, LOSSES));
    accuracies.show(...series(evaluations, ACCURACIES));
  };
  const dispose = () => [losses, accuracies].forEach((one) => one.dispose());
  return { node: h("section", { class: "card two" }, losses.node, accuracies.node), update, dispose };
}

function series(points, columns) {
  const used = columns.filter(([, field]) => points.some((point) => point[field] != null));
  const data = [
    points.map((point) => point.step),
    ...used.map(([, field]) => points.map((point) => point[field] ?? null)),
  ];
  return [data, used.map(([label, , ink]) => ({ label, ink, points: points.length < DOTTED }))];
}
