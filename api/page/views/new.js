// A new job: presets, every field, an estimate while one types.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";
import { bytes, compact, count, duration } from "../format.js";
import { keep, maySubmit } from "../store.js";
import { control } from "../spec/controls.js";
import { cleaned, restore, save } from "../spec/draft.js";
import { SECTIONS } from "../spec/fields.js";
import { layerEditor } from "../spec/layers.js";
import { fromPointer, get, set } from "../spec/paths.js";
import { PRESETS } from "../spec/presets.js";

const PAUSE_MILLISECONDS = 400;

/** Show the form; `id` is a job whose spec is the beginning. */
export function newView(main, id) {
  let draft = restore();
  let standard = {};
  let asked = 0;
  let key = crypto.randomUUID();
  const controls = [];
  const layers = layerEditor((value) => changed("network.layers", value));
  const outcome = h("div", { class: "outcome", role: "status" }, "Measuring…");
  const wrong = h("p", { class: "trouble", role: "alert" });
  const send = h("button", { type: "submit", class: "primary", disabled: !maySubmit() }, "Start training");
  const presets = h("div", { class: "presets", role: "group", "aria-label": "Presets" });

  const section = (one) => {
    const made = one.fields.map((field) => control(field, changed));
    controls.push(...made);
    return h(
      "details",
      { class: "card", open: one.open },
      h("summary", {}, h("h2", {}, one.title)),
      one.layers ? layers.node : null,
      h(
        "div",
        { class: "fields" },
        made.map((each) => each.node),
      ),
    );
  };
  const form = h(
    "form",
    { class: "new", novalidate: true, onsubmit: submit },
    h("div", {}, SECTIONS.map(section)),
    h(
      "aside",
      { class: "card aside" },
      h("h2", {}, "What it will take"),
      outcome,
      wrong,
      send,
      maySubmit() ? null : h("p", { class: "soft" }, "Your key may only read."),
    ),
  );
  fill(
    main,
    h("h1", {}, "New job"),
    h("p", { class: "lead" }, "Choose one, change what you like, start it."),
    presets,
    form,
  );

  function changed(path, value) {
    set(draft, path, value);
    key = crypto.randomUUID();
    save(draft);
    look();
    soon();
  }

  function take(spec) {
    draft = structuredClone(spec);
    key = crypto.randomUUID();
    save(draft);
    check();
    look();
  }

  /** Show what belongs to the present choice of kinds. */
  function look() {
    const value = (path) => get(draft, path) ?? get(standard, path);
    for (const one of controls) {
      one.node.hidden = Boolean(one.field.when && !one.field.when(value));
      one.show(get(draft, one.field.path), get(standard, one.field.path));
    }
    layers.show(draft.network?.layers ?? standard.network?.layers ?? []);
    fill(
      presets,
      PRESETS.map((preset) =>
        h(
          "button",
          {
            type: "button",
            class: "preset",
            "aria-pressed": String(same(preset.spec, draft)),
            onclick: () => take(preset.spec),
          },
          h("b", {}, preset.name),
          h("span", {}, preset.about),
        ),
      ),
    );
  }

  let timer = null;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(check, PAUSE_MILLISECONDS);
  };

  /** Ask what the draft would take: that also checks it, and brings the defaults. */
  async function check() {
    const number = (asked += 1);
    outcome.setAttribute("aria-busy", "true");
    try {
      if (!standard.optimizer) standard = (await api.estimate({})).spec;
      const found = await api.estimate(cleaned(draft, standard));
      if (number !== asked) return;
      standard = found.spec;
      faults([]);
      say(wrong, "");
      fill(outcome, estimate(found));
    } catch (trouble) {
      if (number === asked) complain(trouble);
    }
    if (number === asked) outcome.removeAttribute("aria-busy");
    look();
  }

  function complain(trouble) {
    faults(trouble.faults);
    fill(outcome);
    say(wrong, trouble.faults.length ? "Some fields need another value." : trouble.message);
  }

  function faults(found) {
    const by = new Map(found.map((fault) => [fromPointer(fault.pointer), fault.message]));
    for (const one of controls) one.fault(by.get(one.field.path));
    const places = [...by.keys()].filter((path) => path.startsWith("network.layers") || path === "");
    layers.fault(places.map((path) => by.get(path)).join(" "));
    for (const one of controls) if (by.has(one.field.path)) one.node.closest("details").open = true;
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

  if (id)
    api
      .job(id)
      .then((job) => take(job.spec))
      .catch((trouble) => say(wrong, trouble.message));
  else if (!Object.keys(draft).length) draft = structuredClone(PRESETS[0].spec);
  look();
  check();
  return () => clearTimeout(timer);
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);

function estimate(found) {
  const work = found.passes ? ["Passes", compact(found.passes)] : ["Evaluations", compact(found.evaluations)];
  const rows = [
    ["Parameters", count(found.parameters)],
    ["Steps", count(found.total_steps)],
    work,
    ["Shards a round", count(found.shards)],
    ["Memory a worker", bytes(found.memory_bytes)],
    ["Time, about", duration(found.estimated_seconds)],
  ];
  return [
    h(
      "dl",
      { class: "facts" },
      rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    h(
      "details",
      {},
      h("summary", {}, "Why so"),
      h(
        "ul",
        {},
        found.reasons.map((reason) => h("li", {}, reason)),
      ),
    ),
  ];
}
