// One job: figures, curves, shards, weights, the ε, files.

import { fill, h, say } from "../dom.js";
import { summary, title } from "../format.js";
import { actions } from "../parts/actions.js";
import { accuracyChart, lossChart } from "../parts/chart.js";
import { notice } from "../parts/notices.js";
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
const STALE = "The connection is lost: these figures may be out of date. The page reconnects by itself.";
const DOTTED = 60; // points at most: of more, the dots would hide the line

/** Show a job; it is loaded first unless it is cached. */
export function jobView(main, id) {
  let stop = () => {};
  let left = false;
  const open = (job) => {
    stop();
    if (!left) stop = show(main, job);
  };
  const load = () => read(id).then(open).catch(miss);
  const miss = (trouble) => {
    if (left) return;
    absent(main, trouble);
    if (trouble.code === "job_not_found") return;
    stop();
    stop = subscribe((_, type) => type === "list" && !link.trouble && load()); // the service is back
  };
  if (jobs.has(id)) open(jobs.get(id));
  else load();
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
  const beside = [weights(job), confusion(job)];
  const end = [trace(job), files(job)];
  const parts = [...top, ...beside, ...end];
  const nodes = (some) => some.map((part) => part.node);
  fill(main, nodes(top), h("div", { class: "beside" }, nodes(beside)), nodes(end));
  loadHistory(job.id).catch(() => {});
  if (job.finished_at) loadRounds(job.id).catch(() => {});
  const draw = (id, type) => {
    if (type === "deleted" && id === job.id) {
      notice(`${title(job)} was deleted.`);
      location.hash = "#/";
    }
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
  const status = h("span", {});
  const reason = h("p", { class: "reason", role: "status" });
  const buttons = h("div", { class: "actions" });
  let shown = "";
  const node = h(
    "section",
    { class: "card" },
    h("p", { class: "crumb" }, h("a", { href: "#/" }, "Jobs"), " / ", job.id),
    h("div", { class: "head" }, h("h1", {}, title(job), " ", status), buttons),
    h("p", { class: "soft" }, summary(job.spec)),
    progress.node,
    reason,
    facts.node,
  );
  const update = (now) => {
    progress.update(now);
    facts.update(now);
    say(reason, link.live ? why(now) : STALE);
    document.title = `${heading(now)} · dualtrain`;
    const state = `${now.status}/${now.progress.step > 0}`;
    if (shown === state) return;
    shown = state;
    node.className = `card job-view ${now.status}`;
    fill(status, badge(now));
    const focused = buttons.contains(document.activeElement);
    const go = (href, words) => h("a", { class: "button", href }, words);
    const draw = now.progress.step > 0 && go(`#/draw/${now.id}`, "Try the model");
    fill(buttons, go(`#/new/${now.id}`, "Run again"), draw, actions(now));
    if (focused) buttons.lastChild.focus(); // the pressed button is gone
  };
  return { node, update };
}

/** Why the job stands where it does. */
function why(job) {
  const { status, status_reason: reason, queue_position: position } = job;
  if (reason || status !== "queued" || !position) return reason?.message ?? "";
  const running = link.totals.running ?? 0;
  const others = running === 1 ? "1 job is running" : `${running} jobs are running`;
  return `Waits for a free place: ${others}, and ${position - 1} of the waiting jobs come first.`;
}

/** The title of the tab: name, and how far a running job is. */
function heading(job) {
  const { step, total_steps: total } = job.progress;
  return job.status === "running" && total ? `${Math.floor((100 * step) / total)} % ${title(job)}` : title(job);
}

function curves(id) {
  const [losses, accuracies] = [lossChart(), accuracyChart()];
  const update = (now) => {
    const none = now.finished_at ? "The job ended before anything was measured." : "Nothing measured yet.";
    const points = histories.get(id) ?? [];
    const evaluations = points.filter((point) => point.test_accuracy != null);
    losses.show(...series(points, LOSSES), "step", none);
    accuracies.show(...series(evaluations, ACCURACIES), "step", none);
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
