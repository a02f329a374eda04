// The list of layers: dense ones, or custom ones that the operator installed.

import { fill, h, say } from "../dom.js";

const ACTIVATIONS = ["identity", "relu", "leaky-relu", "tanh", "sigmoid", "softplus", "gelu", "softmax"];
const INITIALIZERS = ["he", "he-uniform", "xavier", "xavier-normal", "lecun", "lecun-uniform", "naive", "zeros"];
const FRESH = { units: 20, activation: "relu", initializer: "he" };
const BLACK_BOX = { custom: "quantize" };
const MEANING =
  "The last layer has one unit per class. Use initializer he with relu, xavier with softmax and tanh. " +
  "A black box is a layer without derivatives; quantize, which rounds, is built in.";

/** An editor; `changed(layers)` gets the whole list after each edit. */
export function layerEditor(changed) {
  const list = h("ol", { class: "layers" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const adding = (words, layer) => h("button", { type: "button", onclick: () => add(layer) }, words);
  const buttons = h("div", { class: "actions" }, adding("Add a layer", FRESH), adding("Add a black box", BLACK_BOX));
  const node = h("div", { class: "layer-box" }, list, wrong, buttons, h("p", { class: "meaning" }, MEANING));
  let shown = [];

  /** Insert a layer before the last one, the output. */
  function add(layer) {
    edit((layers) => layers.splice(-1, 0, layer));
  }

  function edit(work) {
    const layers = structuredClone(shown);
    work(layers);
    show(layers);
    changed(layers);
  }

  function show(layers) {
    if (JSON.stringify(layers) === JSON.stringify(shown) && list.children.length) return;
    shown = structuredClone(layers);
    fill(list, shown.map(row));
  }

  function row(layer, index) {
    const put = (name, value) => {
      shown[index] = { ...shown[index], [name]: value };
      changed(structuredClone(shown));
    };
    const remove = h(
      "button",
      {
        type: "button",
        class: "quiet",
        "aria-label": `Remove layer ${index + 1}`,
        disabled: shown.length === 1,
        onclick: () => edit((layers) => layers.splice(index, 1)),
      },
      "×",
    );
    return h("li", {}, layer.custom === undefined ? dense(layer, put) : blackBox(layer, put), remove);
  }
  return { node, show, fault: (message) => say(wrong, message) };
}

function dense({ units, activation, initializer, bias = true }, put) {
  const oninput = ({ target }) => put("units", Number(target.value));
  const onchange = ({ target }) => put("bias", target.checked);
  return [
    named("units", h("input", { type: "number", min: 1, max: 65536, value: units, oninput })),
    named(
      "activation",
      choice(ACTIVATIONS, activation, (value) => put("activation", value)),
    ),
    named(
      "initializer",
      choice(INITIALIZERS, initializer, (value) => put("initializer", value)),
    ),
    named("bias", h("input", { type: "checkbox", checked: bias, onchange })),
  ];
}

function blackBox({ custom }, put) {
  const oninput = ({ target }) => put("custom", target.value);
  return named("black box", h("input", { type: "text", value: custom, oninput }));
}

function choice(options, chosen, changed) {
  const each = options.map((option) => h("option", { value: option, selected: option === chosen }, option));
  return h("select", { onchange: ({ target }) => changed(target.value) }, each);
}

const named = (words, input) => h("label", {}, words, input);
