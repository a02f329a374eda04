// Choice of the job whose model is used, over all jobs of the service.

import { fill, h } from "../dom.js";
import { title } from "../format.js";
import { find as lookUp, newest } from "../store.js";
import { attempt } from "./notices.js";

const SEARCH_MILLISECONDS = 300;
const SHOWN = 50; // matches at most

/** A select with a search beside it; `changed()` is called after a choice. An empty value is the best model. */
export function modelChoice(wanted, changed) {
  const select = h("select", { id: "model", onchange: choose });
  const search = h("input", { id: "model-search", type: "search", placeholder: "name, id or method", oninput: find });
  const label = (id, words, input) => h("label", { for: id }, words, input);
  const node = h("div", { class: "inline-form" }, label("model", "Model", select), label("model-search", "Find a job", search));
  let timer = null;

  function choose() {
    wanted = select.value;
    changed();
  }

  function find() {
    clearTimeout(timer);
    timer = setTimeout(() => attempt(load), SEARCH_MILLISECONDS);
  }

  async function load() {
    if (search.value) await lookUp({ q: search.value.trim(), limit: SHOWN });
    draw();
  }

  function matches() {
    const text = search.value.trim().toLowerCase();
    const described = (job) => `${job.name} ${job.id} ${job.spec.gradient.method} ${job.spec.dataset.name}`.toLowerCase();
    return newest().filter((job) => job.progress.step > 0 && described(job).includes(text));
  }

  /** Offer the jobs that have a checkpoint; the chosen one stays. */
  function draw() {
    const jobs = matches().slice(0, SHOWN);
    const chosen = newest().find((job) => job.id === wanted && job.progress.step > 0);
    if (chosen && !jobs.includes(chosen)) jobs.unshift(chosen);
    const options = [["", "the best model"], ...jobs.map((job) => [job.id, `${title(job)} (${job.status})`])];
    const key = JSON.stringify(options);
    if (select.dataset.key === key) return;
    select.dataset.key = key;
    fill(select, options.map(([value, words]) => h("option", { value }, words)));
    select.value = options.some(([value]) => value === wanted) ? wanted : "";
  }
  return { node, draw, value: () => select.value || null };
}
