// The newest evaluation: true classes are rows, what the model said are columns.

import * as api from "../api.js";
import { fill, h } from "../dom.js";
import { percent } from "../format.js";

const SHADES = 4; // of errors, in the stylesheet

/** The panel of a job's confusion matrix; it is read again after each evaluation. */
export function confusion(id) {
  const place = h(
    "div",
    { class: "scroll", tabindex: 0, role: "region", "aria-label": "Confusion matrix" },
    h("p", { class: "empty" }, "Appears with the first evaluation."),
  );
  const node = h("section", { class: "card" }, h("h2", {}, "Where it errs"), place);
  let shown = null;
  let asking = false;
  let again = false; // something newer came while it was asked

  async function update({ metrics: { test_accuracy: newest } }, type) {
    if (newest === null || (type !== "evaluation" && shown?.test_accuracy === newest)) return;
    again = asking;
    if (asking) return;
    asking = true;
    do {
      again = false;
      shown = await api.evaluation(id).catch(() => shown);
      if (shown) fill(place, table(shown));
    } while (again);
    asking = false;
  }
  return { node, update };
}

function table({ confusion: counts, by_class: shares, step }) {
  const head = h(
    "tr",
    {},
    h("th", { scope: "col" }, "true"),
    counts.map((_, index) => h("th", { scope: "col" }, index)),
    h("th", { scope: "col" }, "right"),
  );
  const rows = counts.map((row, truth) => {
    const most = Math.max(1, ...row.filter((_, index) => index !== truth));
    return h(
      "tr",
      {},
      h("th", { scope: "row" }, truth),
      row.map((count, said) => cell(count, truth === said, count / most)),
      h("td", {}, percent(shares[truth])),
    );
  });
  return h(
    "table",
    { class: "confusion" },
    h("caption", {}, `At step ${step}: rows are the true digits, columns what the model said.`),
    h("thead", {}, head),
    h("tbody", {}, rows),
  );
}

/** A count, shaded by its share of the commonest error of its row. */
function cell(count, right, share) {
  const wrong = count ? `wrong-${Math.ceil(share * SHADES)}` : "none";
  return h("td", { class: right ? "right" : wrong }, count || "·");
}
