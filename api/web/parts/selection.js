// Actions for the chosen rows of the table of jobs.

import * as api from "../api.js";
import { fill, h } from "../dom.js";
import { count } from "../format.js";
import { forget, maySubmit, refreshSoon } from "../store.js";
import { attempt, notice } from "./notices.js";

const COMPARED = 12; // jobs that one comparison takes from here
const DONE = { cancel: "cancelled", delete: "deleted" };
const PROMISES = {
  cancel: "They end at their present step; their checkpoints stay.",
  delete: "Their checkpoints and histories are deleted too. This cannot be undone.",
};

/**
 * A bar for chosen jobs. `chosen` is a set of ids; `filter()` is the filter of the list, `total()` the number of jobs
 * that fit it; `changed()` is called after an action or another choice.
 */
export function selection({ chosen, filter, total, changed }) {
  const node = h("div", { class: "selection", role: "group", "aria-label": "Chosen jobs" });
  let everything = false;

  const ids = () => ({ ids: [...chosen] });
  const size = () => (everything ? total() : chosen.size);

  async function act(action) {
    const target = everything ? filter() : ids();
    const plan = await api.act(action, target, true);
    const skipped = plan.matched - plan.changed;
    const others = skipped ? ` ${count(skipped)} others stay: their status does not allow it.` : "";
    if (!plan.changed) return notice(`None of these jobs can be ${DONE[action]} now.`);
    const question = `${LABELS[action]} ${count(plan.changed)} ${plan.changed === 1 ? "job" : "jobs"}? ${PROMISES[action]}${others}`;
    if (!window.confirm(question)) return null;
    const result = await api.act(action, target);
    notice(`${count(result.changed)} ${DONE[action]}.`);
    if (action === "delete") [...chosen].forEach(forget);
    clear();
    refreshSoon();
    return changed();
  }

  function clear() {
    everything = false;
    chosen.clear();
    draw();
  }

  function chooseAll() {
    everything = true;
    draw();
  }

  function draw() {
    if (!chosen.size) everything = false;
    node.hidden = !chosen.size;
    const more = !everything && total() > chosen.size;
    fill(
      node,
      h("strong", { role: "status" }, `${count(size())} chosen`),
      more && button(`Choose all ${count(total())}`, chooseAll),
      !everything && chosen.size <= COMPARED && h("a", { class: "button", href: `#/compare/${[...chosen].join(",")}` }, "Compare"),
      maySubmit() && button("Cancel jobs", () => attempt(() => act("cancel"))),
      maySubmit() && button("Delete jobs", () => attempt(() => act("delete"))),
      button("Clear choice", () => {
        clear();
        changed();
      }),
    );
  }

  draw();
  return { node, draw };
}

const LABELS = { cancel: "Cancel", delete: "Delete" };
const button = (label, onclick) => h("button", { type: "button", onclick }, label);
