// A new job: presets, every field, an estimate while one types.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";
import { estimate } from "../parts/estimate.js";
import { notice } from "../parts/notices.js";
import { cleaned, restore, save } from "../spec/draft.js";
import { specForm } from "../spec/form.js";
import { set } from "../spec/paths.js";
import { PRESETS } from "../spec/presets.js";
import { keep, maySubmit } from "../store.js";

const PAUSE_MILLISECONDS = 400;

/** A key that no other draft has; `crypto.randomUUID` is there on HTTPS and localhost only. */
function fresh() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Show the form; `id` is a job whose spec is the beginning. */
export function newView(main, id) {
  let draft = restore();
  let standard = {}; // the defaults, as the service told them
  let asked = 0;
  let key = fresh();
  let timer = null;
  const fields = specForm(changed);
  const presets = presetBar(take);
  const outcome = h("div", { class: "outcome", role: "status" }, "Measuring…");
  const wrong = h("p", { class: "trouble", role: "alert" });
  const send = h("button", { type: "submit", class: "primary", disabled: !maySubmit() }, "Start training");
  const form = frame(fields.node, [outcome, wrong, send], submit);
  const title = h("h1", {}, "New job");
  fill(main, title, h("p", { class: "lead" }, "Choose one, change what you like, start it."), presets.node, form);

  function changed(path, value) {
    set(draft, path, value);
    edited();
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MILLISECONDS);
  }

  function take(spec) {
    draft = structuredClone(spec);
    edited();
    check();
  }

  function edited() {
    key = fresh(); // another draft is another job
    save(draft);
    look();
  }

  function look() {
    fields.show(draft, standard);
    presets.show(draft);
  }

  /** Ask what the draft would take: that also checks it, and brings the defaults. */
  async function check() {
    const number = (asked += 1);
    outcome.setAttribute("aria-busy", "true");
    const answer = await measured().catch((trouble) => ({ trouble }));
    if (number !== asked) return; // a newer draft is being measured
    outcome.removeAttribute("aria-busy");
    if (answer.trouble) complain(answer.trouble);
    else accept(answer);
    look();
  }

  async function measured() {
    if (!standard.optimizer) standard = (await api.estimate({})).spec;
    return api.estimate(cleaned(draft, standard));
  }

  function accept(found) {
    standard = found.spec;
    fields.fault([]);
    say(wrong, "");
    fill(outcome, estimate(found));
  }

  function complain(trouble) {
    const faults = trouble.faults ?? [];
    fields.fault(faults);
    fill(outcome);
    say(wrong, faults.length ? "Some fields need another value." : trouble.message);
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

  const begin = id ? api.job(id).then((job) => take(held(job.spec))) : check();
  begin.catch(complain);
  if (!id && !Object.keys(draft).length) draft = structuredClone(PRESETS[0].spec);
  look();
  return () => clearTimeout(timer);
}

/** A job's spec without a seed that this page cannot hold: another number would make other weights. */
function held(spec) {
  if (Number.isSafeInteger(spec.seed)) return spec;
  notice("The job's seed has more digits than this page can send; the form has the default one.");
  return { ...spec, seed: undefined };
}

function frame(fields, aside, submit) {
  const readOnly = maySubmit() ? null : h("p", { class: "soft" }, "Your key may only read.");
  return h(
    "form",
    { class: "new", novalidate: true, onsubmit: submit },
    fields,
    h("aside", { class: "card aside" }, h("h2", {}, "What it will take"), aside, readOnly),
  );
}

function presetBar(take) {
  const buttons = PRESETS.map(({ name, about, spec }) =>
    h("button", { type: "button", class: "preset", onclick: () => take(spec) }, h("b", {}, name), h("span", {}, about)),
  );
  const node = h("div", { class: "presets", role: "group", "aria-label": "Presets" }, buttons);
  const show = (draft) =>
    PRESETS.forEach(({ spec }, at) => buttons[at].setAttribute("aria-pressed", same(spec, draft)));
  return { node, show };
}

const same = (one, other) => String(JSON.stringify(one) === JSON.stringify(other));
