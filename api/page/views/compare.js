// Several jobs laid over each other, to compare methods.

import { fill, h } from "../dom.js";
import { loss, percent, summary, title, wholePercent } from "../format.js";
import { chart, INKS } from "../parts/chart.js";
import { histories, jobs, loadHistory, newest, read, subscribe } from "../store.js";

const AGAIN_MILLISECONDS = 3000;
const FIRST = 3;
const XS = {
  step: ["step", (point) => point.step],
  elapsed: ["seconds of training", (point) => point.elapsed_seconds],
  passes: [
    "passes or evaluations",
    (point, job) => (point.step * (job.progress.passes || job.progress.evaluations)) / (job.progress.step || 1),
  ],
};

/** Show the curves of the chosen jobs; the choice stands in the address. */
export function compareView(main, argument) {
  const chosen = new Set(
    argument
      ? argument.split(",")
      : newest()
          .filter((job) => job.progress.step)
          .slice(0, FIRST)
          .map((job) => job.id),
  );
  const charts = [
    [chart({ name: "Loss of the batches", write: loss }), "loss", false],
    [chart({ name: "Accuracy on the test split", write: percent, tick: wholePercent }), "test_accuracy", true],
  ];
  const boxes = h("fieldset", { class: "choices" });
  const axis = h(
    "select",
    { id: "axis", onchange: draw },
    Object.entries(XS).map(([value, [words]]) => h("option", { value }, words)),
  );
  fill(
    main,
    h("h1", {}, "Compare"),
    h("p", { class: "lead" }, "Choose jobs; their curves lie over each other."),
    h(
      "div",
      { class: "compare" },
      h("section", { class: "card" }, boxes, h("label", { for: "axis" }, "Across: ", axis)),
      h(
        "section",
        { class: "card" },
        charts.map(([one]) => one.node),
      ),
    ),
  );

  let left = false;

  function draw() {
    if (left) return;
    const shown = [...chosen].filter((id) => jobs.has(id) && histories.has(id)).map((id) => jobs.get(id));
    const [x, across] = XS[axis.value];
    for (const [one, field, points] of charts) one.show(...overlay(shown, field, across, points), x);
  }

  function turn(id, on) {
    if (on) chosen.add(id);
    else chosen.delete(id);
    history.replaceState(null, "", `#/compare/${[...chosen].join(",")}`);
    load();
  }

  const known = async (id) => {
    if (!jobs.has(id)) await read(id);
    await loadHistory(id);
  };
  const load = () => Promise.allSettled([...chosen].map(known)).then(draw);
  const fresh = () => [...chosen].some((id) => jobs.get(id)?.status === "running") && load();
  let listed = "";
  const list = () => {
    const key = newest()
      .map((job) => `${job.id} ${job.name} ${job.progress.step > 0}`)
      .join();
    if (key !== listed) fill(boxes, h("legend", {}, "Jobs"), choices(chosen, turn)); // else what has the focus keeps it
    listed = key;
  };
  list();
  load();
  const timer = setInterval(fresh, AGAIN_MILLISECONDS);
  const stop = subscribe((id, type) => {
    if (type === "list" || type === "job") list();
    if (type === "status" && chosen.has(id)) load(); // its last points come with its end
  });
  return () => {
    left = true;
    clearInterval(timer);
    stop();
    for (const [one] of charts) one.dispose();
  };
}

function choices(chosen, turn) {
  const found = newest().filter((job) => job.progress.step || chosen.has(job.id));
  if (!found.length) return h("p", { class: "empty" }, "No job has begun yet.");
  return found.map((job) => {
    const place = [...chosen].indexOf(job.id);
    const box = h("input", {
      type: "checkbox",
      checked: place >= 0,
      onchange: (event) => turn(job.id, event.target.checked),
    });
    return h(
      "label",
      { class: "choice" },
      box,
      h("span", {}, title(job), h("small", { class: "soft" }, ` ${summary(job.spec)}`)),
    );
  });
}

/** One axis for all: the xs of every job, sorted; where a job has no point there is a gap that its line spans. */
function overlay(shown, field, across, points) {
  const curves = shown.map(
    (job) =>
      new Map(
        histories
          .get(job.id)
          .filter((point) => point[field] != null)
          .map((point) => [across(point, job), point[field]]),
      ),
  );
  const xs = [...new Set(curves.flatMap((curve) => [...curve.keys()]))]
    .filter((x) => x != null)
    .sort((one, other) => one - other);
  const ys = curves.map((curve) => xs.map((x) => curve.get(x) ?? null));
  const lines = shown.map((job, index) => ({
    label: `${title(job)} (${job.spec.gradient.method})`,
    ink: INKS[index % INKS.length],
    points,
    dash: index >= INKS.length ? [4, 4] : undefined,
  }));
  return [[xs, ...ys], lines];
}
