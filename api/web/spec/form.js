// The form: all fields of the spec by sections, from the table of fields.

import { h } from "../dom.js";
import { control } from "./controls.js";
import { SECTIONS } from "./fields.js";
import { layerEditor } from "./layers.js";
import { fromPointer, get, reader } from "./paths.js";

/** The fields; `changed(path, value)` is called after every edit. */
export function specForm(changed) {
  const controls = [];
  const layers = layerEditor((value) => changed("network.layers", value));
  const node = h("div", {}, SECTIONS.map(section));

  function section(one) {
    const made = one.fields.map((field) => control(field, changed));
    controls.push(...made);
    const fields = h(
      "div",
      { class: "fields" },
      made.map((each) => each.node),
    );
    const head = h("summary", {}, h("h2", {}, one.title));
    return h("details", { class: "card", open: one.open }, head, one.layers ? layers.node : null, fields);
  }

  /** Show a draft over the defaults, with the fields of its method, optimizer and schedule only. */
  function show(draft, standard) {
    const value = reader(draft, standard);
    for (const one of controls) {
      one.node.hidden = !one.field.when(value);
      one.show(get(draft, one.field.path), get(standard, one.field.path));
    }
    layers.show(value("network.layers") ?? []);
  }

  /** Show the service's error messages, each at its field. */
  function fault(faults) {
    const by = new Map(faults.map((one) => [fromPointer(one.pointer), one.message]));
    const own = new Set(controls.map((one) => one.field.path));
    for (const one of controls) {
      one.fault(by.get(one.field.path));
      if (by.has(one.field.path)) one.node.closest("details").open = true;
    }
    const others = [...by].filter(([path]) => !own.has(path));
    layers.fault(others.map(([, message]) => message).join(" "));
  }
  return { node, show, fault };
}
