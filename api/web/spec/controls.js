// A control for a field: label, input, meaning, and what is wrong with it.

import { fill, h, say } from "../dom.js";

const READ = {
  text: (input, field) =>
    field.number && /^\d+$/.test(input.value.trim()) ? Number(input.value) : input.value.trim() || undefined,
  number: (input) => (input.value === "" ? undefined : Number(input.value)),
  select: (input) => input.value,
  lines: (input) => metadata(input.value),
};
const NO_NUMBER = "no number"; // the browser does not tell what stands there
const WRITE = {
  lines: (value) =>
    Object.entries(value ?? {})
      .map(([key, one]) => `${key}=${one}`)
      .join("\n"),
};

/** What was entered; text that is no number is passed on as it may be, for the service to refuse it. */
const read = (input, field) => (input.validity.badInput ? NO_NUMBER : READ[field.kind](input, field));

/** A field's control. `changed(path, value)` is called when it was edited; undefined is the default. */
export function control(field, changed) {
  const id = `field-${field.path.replaceAll(".", "-")}`;
  const input = entry(field, id);
  const wrong = h("span", { class: "wrong", role: "alert", id: `${id}-wrong` });
  input.addEventListener("input", () => changed(field.path, read(input, field)));
  const node = h(
    "div",
    { class: field.wide ? "field wide" : "field" },
    h("label", { for: id }, field.label),
    input,
    h("span", { class: "meaning", id: `${id}-meaning` }, field.meaning),
    wrong,
    field.suggestions ? suggestions(id, field.suggestions) : null,
  );

  /** Show the value that the draft has, the service's default where it has none. */
  function show(own, standard) {
    const write = WRITE[field.kind] ?? ((value) => String(value ?? ""));
    if (field.kind === "select") input.value = own ?? standard ?? field.options[0];
    else if (document.activeElement !== input) input.value = own === undefined ? "" : write(own);
    if (field.kind !== "select")
      input.placeholder =
        standard === null || standard === undefined || standard === "" ? field.blank : write(standard);
  }

  function fault(message) {
    say(wrong, message ?? "");
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  return { field, node, show, fault, focus: () => input.focus() };
}

function entry(field, id) {
  const common = { id, "aria-describedby": `${id}-meaning ${id}-wrong`, autocomplete: "off" };
  if (field.kind === "select")
    return h(
      "select",
      common,
      field.options.map((option) => h("option", { value: option }, option)),
    );
  if (field.kind === "lines") return h("textarea", { ...common, rows: 2, spellcheck: "false" });
  const { min, max, step, maxlength } = field;
  return h("input", {
    ...common,
    type: field.kind === "number" ? "number" : (field.type ?? "text"),
    min,
    max,
    step,
    maxlength,
    list: field.suggestions && `${id}-list`,
    spellcheck: "false",
  });
}

/** Names to choose from, which the service tells; without them one types. */
function suggestions(id, names) {
  const list = h("datalist", { id: `${id}-list` });
  names()
    .then((found) =>
      fill(
        list,
        found.map((name) => h("option", { value: name })),
      ),
    )
    .catch(() => {});
  return list;
}

function metadata(text) {
  const pairs = text
    .split("\n")
    .map((line) => line.split(/=(.*)/s))
    .filter(([key]) => key.trim());
  return pairs.length ? Object.fromEntries(pairs.map(([key, value]) => [key.trim(), (value ?? "").trim()])) : undefined;
}
