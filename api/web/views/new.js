// The form for a new job: presets, all fields, an estimate after each edit.

import * as api from "../api.js";
import { dataset } from "../datasets.js";
import { fill, h, say } from "../dom.js";
import { estimate } from "../parts/estimate.js";
import { notice } from "../parts/notices.js";
import { cleaned, restore, save } from "../spec/draft.js";
import { specForm } from "../spec/form.js";
import { set } from "../spec/paths.js";
import { PRESETS } from "../spec/presets.js";
import { keep, maySubmit } from "../store.js";

const PAUSE_MILLISECONDS = 400;

/** Show the form; `id` is a job whose spec it starts from. */
export function newView(main, id) {
  let draft = restore();
  let standard = {}; // the defaults, from the service
  let checks = 0;
  let key = api.newKey();
  let timer = null;
  const fields = specForm(changed);
  const presets = presetBar(choose);
  const outcome = h("div", { class: "outcome", role: "status" }, "Estimating…");
  const wrong = h("p", { class: "trouble", role: "alert" });
  const send = h("button", { type: "submit", class: "primary", disabled: !maySubmit() }, "Start training");
  const form = frame(fields.node, [outcome, wrong, send], submit);
  const title = h("h1", {}, id ? "Run a job again" : "New job");
  fill(main, title, h("p", { class: "lead" }, "Choose a preset, change any field, and start training."), presets.node, form);

  function changed(path, value) {
    set(draft, path, value);
    if (path === "dataset.name" && value) fitOutputs(value);
    edited();
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MILLISECONDS);
  }

  function take(spec) {
    draft = structuredClone(spec);
    edited();
    check();
  }

  /** Take a preset; edits that it replaces can be brought back. */
  function choose(spec) {
    const before = draft;
    const edits = Object.keys(before).length && !PRESETS.some((preset) => same(preset.spec, before));
    take(spec);
    if (edits) notice("The preset replaced your changes.", () => take(before));
  }

  /** Give the last layer one unit for each class of a data set. */
  async function fitOutputs(name) {
    const classes = (await dataset(name))?.classes?.length;
    const layers = structuredClone(draft.network?.layers ?? standard.network?.layers ?? []);
    const last = layers.at(-1);
    if (!classes || !last?.units || last.units === classes || draft.dataset?.name !== name) return;
    last.units = classes;
    changed("network.layers", layers);
  }

  function edited() {
    key = api.newKey(); // another draft is another job
    save(draft);
    look();
  }

  function look() {
    fields.show(draft, standard);
    presets.show(draft);
  }

  /** Dry-run the draft: this validates it, and returns the estimate and the defaults. */
  async function check() {
    const number = (checks += 1);
    outcome.setAttribute("aria-busy", "true");
    const reply = await dryRun().catch((trouble) => ({ trouble }));
    if (number !== checks) return; // a newer draft is being checked
    outcome.removeAttribute("aria-busy");
    if (reply.trouble) complain(reply.trouble);
    else accept(reply);
    look();
  }

  async function dryRun() {
    if (!standard.optimizer) standard = (await api.estimate({})).spec;
    return api.estimate(cleaned(draft, standard));
  }

  function accept(reply) {
    standard = reply.spec;
    fields.fault([]);
    say(wrong, "");
    fill(outcome, estimate(reply));
  }

  function complain(trouble) {
    const faults = trouble.faults ?? [];
    fields.fault(faults);
    fill(outcome);
    say(wrong, faults.length ? "Some fields have invalid values." : trouble.message);
  }

  async function submit(event) {
    event.preventDefault();
    send.disabled = true;
    try {
      const job = keep(await api.submit(cleaned(draft, standard), key));
      save({});
      location.hash = `#/jobs/${job.id}`;
    } catch (trouble) {
      complain(trouble);
      form.querySelector("[aria-invalid]")?.focus();
    }
    send.disabled = false;
  }

  const [first] = PRESETS;
  const begin = id ? api.job(id).then((job) => take(held(job.spec))) : check();
  begin.catch(complain);
  if (!id && !Object.keys(draft).length) draft = structuredClone(first.spec);
  look();
  return () => clearTimeout(timer);
}

/** A job's spec, without a seed too large for JavaScript's numbers: a rounded seed would give other weights. */
function held(spec) {
  if (Number.isSafeInteger(spec.seed)) return spec;
  notice("The job's seed is too large for this page; the form has the default seed.");
  return { ...spec, seed: undefined };
}

function frame(fields, aside, submit) {
  const readOnly = maySubmit() ? null : h("p", { class: "soft" }, "Your API key allows reading only.");
  return h(
    "form",
    { class: "new", novalidate: true, onsubmit: submit },
    fields,
    h("aside", { class: "card aside" }, h("h2", {}, "Estimate"), aside, readOnly),
  );
}

function presetBar(take) {
  const buttons = PRESETS.map(({ name, about, spec }) =>
    h("button", { type: "button", class: "preset", onclick: () => take(spec) }, h("b", {}, name), h("span", {}, about)),
  );
  const node = h("div", { class: "presets", role: "group", "aria-label": "Presets" }, buttons);
  const show = (draft) =>
    PRESETS.forEach(({ spec }, at) => buttons[at].setAttribute("aria-pressed", String(same(spec, draft))));
  return { node, show };
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
