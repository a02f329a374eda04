// The control of a field: label, input, explanation, error.

import { fill, h, say } from "../dom.js";

const READ = {
  text: (input, field) =>
    field.number && /^\d+$/.test(input.value.trim()) ? Number(input.value) : input.value.trim() || undefined,
  number: (input) => (input.value.trim() === "" ? undefined : parsedNumber(input.value)),
  select: (input) => (input.value === "none" ? undefined : input.value),
  toggle: (input) => input.value === "yes",
  numbers: (input) => (input.value.trim() === "" ? undefined : input.value.split(",").map(parsedNumber)),
  lines: (input) => metadata(input.value),
};
const WRITE = {
  numbers: (values) => (values ?? []).join(", "),
  toggle: (value) => (value ? "yes" : "no"),
  lines: (value) =>
    Object.entries(value ?? {})
      .map(([key, one]) => `${key}=${one}`)
      .join("\n"),
};

/** The number that a text means, else the text itself, which the service refuses: "0,5" is not 5. */
function parsedNumber(text) {
  const value = Number(text.trim());
  return Number.isNaN(value) ? text.trim() : value;
}

/** A field's control. `changed(path, value)` is called after an edit; undefined stands for the default. */
export function control(field, changed) {
  const id = `field-${field.path.replaceAll(".", "-")}`;
  const input = entry(field, id);
  const wrong = h("span", { class: "wrong", role: "alert", id: `${id}-wrong` });
  input.addEventListener("input", () => changed(field.path, READ[field.kind](input, field)));
  const node = h(
    "div",
    { class: field.wide ? "field wide" : "field" },
    h("label", { for: id }, field.label),
    input,
    h("span", { class: "meaning", id: `${id}-meaning` }, field.meaning),
    wrong,
    field.suggestions ? suggestions(id, field.suggestions) : null,
  );

  /** Show the draft's value, or as a placeholder the service's default: null is none, undefined not known yet. */
  function show(own, standard) {
    const write = WRITE[field.kind] ?? ((value) => String(value ?? ""));
    if (field.options) input.value = write(own ?? standard ?? field.options[0]);
    else if (document.activeElement !== input) input.value = own === undefined ? "" : write(own);
    if (!field.options) input.placeholder = placeholder(standard, write);
  }

  function placeholder(standard, write) {
    if (standard === undefined) return "";
    return standard === null || standard === "" ? field.blank : write(standard);
  }

  function fault(message) {
    const noNumber = field.kind === "number" && input.value.trim() && Number.isNaN(Number(input.value));
    say(wrong, message && noNumber ? `${input.value} is not a number. Write it with a decimal point: 0.5.` : (message ?? ""));
    if (message) input.setAttribute("aria-invalid", "true");
    else input.removeAttribute("aria-invalid");
  }
  return { field, node, show, fault, focus: () => input.focus() };
}

function entry(field, id) {
  const common = { id, "aria-describedby": `${id}-meaning ${id}-wrong`, autocomplete: "off" };
  if (field.options)
    return h(
      "select",
      common,
      field.options.map((option) => h("option", { value: option }, option)),
    );
  if (field.kind === "lines") return h("textarea", { ...common, rows: 2, spellcheck: "false" });
  const { inputmode, maxlength } = field;
  return h("input", {
    ...common,
    type: field.type ?? "text",
    inputmode,
    maxlength,
    list: field.suggestions && `${id}-list`,
    spellcheck: "false",
  });
}

/** Names to choose from, loaded from the service; without them the field is free text. */
function suggestions(id, names) {
  const list = h("datalist", { id: `${id}-list` });
  names()
    .then((options) =>
      fill(
        list,
        options.map((name) => h("option", { value: name })),
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
