// The confusion matrix of the newest evaluation.

import * as api from "../api.js";
import { classNames } from "../datasets.js";
import { fill, h } from "../dom.js";
import { NOTHING } from "../format.js";

const SHADES = 4; // of errors, in the stylesheet

/** The panel of a job's confusion matrix; it is loaded again after each evaluation. */
export function confusion(job) {
  const caption = h("p", { class: "hint", id: "confusion-caption" });
  const place = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" });
  const node = h("section", { class: "card" }, h("h2", {}, "Confusion matrix"), caption, place);
  const waiting = h("p", { class: "empty" });
  let shown = null;
  let loading = false;
  let again = false; // a newer evaluation came while one was loading
  fill(place, waiting);

  async function update({ metrics: { test_accuracy: newest }, finished_at: ended }, type) {
    waiting.textContent = ended ? "The job made no evaluation." : "Appears with the first evaluation.";
    if (newest === null || (type !== "evaluation" && shown?.test_accuracy === newest)) return;
    again = loading;
    if (loading) return;
    loading = true;
    do {
      again = false;
      shown = await api.evaluation(job.id).catch(() => shown);
      if (shown) await show(shown);
    } while (again);
    loading = false;
  }

  async function show(evaluation) {
    const names = await classNames(job.spec.dataset.name, evaluation.confusion.length);
    caption.textContent = `Step ${evaluation.step}. Rows: true class. Columns: predicted class.`;
    fill(place, table(evaluation, names));
  }
  return { node, update };
}

function table({ confusion: counts, by_class: accuracies }, names) {
  const heads = names.map((name) => h("th", { scope: "col", title: name }, name));
  const corner = h("th", { scope: "col" }, "true");
  const rows = counts.map((row, truth) => {
    const most = Math.max(1, ...row.filter((_, index) => index !== truth));
    const cells = row.map((count, predicted) => cell(count, truth === predicted, count / most));
    return h("tr", {}, h("th", { scope: "row", title: names[truth] }, names[truth]), cells, accuracy(accuracies[truth]));
  });
  const head = h("tr", {}, corner, heads, h("th", { scope: "col" }, "accuracy %"));
  const attributes = { class: "confusion", "aria-describedby": "confusion-caption" };
  return h("table", attributes, h("thead", {}, head), h("tbody", {}, rows));
}

const accuracy = (share) => h("td", {}, share === null ? NOTHING : (100 * share).toFixed(1));

/** A count, shaded by its share of the most frequent error of its row. */
function cell(count, correct, share) {
  const wrong = count ? `wrong-${Math.ceil(share * SHADES)}` : "none";
  return h("td", { class: correct ? "right" : wrong }, count || "·");
}
