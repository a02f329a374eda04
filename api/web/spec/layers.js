// The list of layers, each with the fields of its kind.

import { fill, h, say } from "../dom.js";

const ACTIVATIONS = ["identity", "relu", "leaky-relu", "tanh", "sigmoid", "softplus", "gelu", "softmax"];
const INITIALIZERS = ["he", "he-uniform", "xavier", "xavier-normal", "lecun", "lecun-uniform", "naive", "zeros"];
const FRESH = { units: 20, activation: "relu", initializer: "he" };
const CONVOLUTION = { type: "conv2d", filters: 8, kernel_size: 3, stride: 1, activation: "relu" };
const POOLING = { type: "max-pool2d", size: 2 };
const NORM = { type: "layer-norm", affine: true };
const CUSTOM = { custom: "quantize" };
const MEANING =
  "The last layer has one unit per class. Use initializer he with relu, xavier with softmax and tanh. " +
  "Convolutions and pooling go before dense layers. A custom layer is code that the operator installed; quantize, which rounds, is built in.";

/** An editor; `changed(layers)` gets the whole list after each edit. */
export function layerEditor(changed) {
  const list = h("ol", { class: "layers" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const adding = (words, layer) => h("button", { type: "button", onclick: () => add(layer) }, words);
  const buttons = h(
    "div",
    { class: "actions" },
    adding("Add a layer", FRESH),
    adding("Add a convolution", CONVOLUTION),
    adding("Add max pooling", POOLING),
    adding("Add a layer norm", NORM),
    adding("Add a custom layer", CUSTOM),
  );
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
    return h("li", {}, fields(layer, put), remove);
  }
  return { node, show, fault: (message) => say(wrong, message) };
}

/** The controls of a layer. A residual block is shown, and edited as JSON below the form. */
function fields(layer, put) {
  if (layer.custom !== undefined) return named("custom", text(layer.custom, (value) => put("custom", value)));
  const kind = KINDS[layer.type ?? "dense"];
  if (!kind) return h("span", { class: "soft" }, `${layer.type} of ${layer.layers?.length ?? 0} layers`);
  return [h("span", { class: "soft" }, kind.title), ...kind.fields(layer, put)];
}

const KINDS = {
  dense: {
    title: "dense",
    fields: (layer, put) => [number("units", layer.units, 65536, put), ...activated(layer, put)],
  },
  conv2d: {
    title: "convolution",
    fields: (layer, put) => [
      number("filters", layer.filters, 4096, put),
      number("kernel_size", layer.kernel_size ?? 3, 64, put),
      number("stride", layer.stride ?? 1, 64, put),
      named(
        "padding",
        choice(["valid", "same"], layer.padding ?? "valid", (value) => put("padding", value)),
      ),
      ...activated(layer, put),
    ],
  },
  "max-pool2d": { title: "max pooling", fields: (layer, put) => [number("size", layer.size ?? 2, 64, put)] },
  "avg-pool2d": { title: "average pooling", fields: (layer, put) => [number("size", layer.size ?? 2, 64, put)] },
  "layer-norm": { title: "layer norm", fields: (layer, put) => [checked("affine", layer.affine ?? false, put)] },
};

function activated({ activation = "identity", initializer, bias = true, type }, put) {
  const first = type === "conv2d" ? "he" : "xavier"; // what the service takes where none is given
  return [
    named(
      "activation",
      choice(ACTIVATIONS, activation, (value) => put("activation", value)),
    ),
    named(
      "initializer",
      choice(INITIALIZERS, initializer ?? first, (value) => put("initializer", value)),
    ),
    checked("bias", bias, put),
  ];
}

function number(name, value, max, put) {
  const oninput = ({ target }) => put(name, Number(target.value));
  return named(name.replace("_", " "), h("input", { type: "number", min: 1, max, value, oninput }));
}

function checked(name, value, put) {
  const onchange = ({ target }) => put(name, target.checked);
  return named(name, h("input", { type: "checkbox", checked: value, onchange }));
}

function text(value, changed) {
  return h("input", { type: "text", value, oninput: ({ target }) => changed(target.value) });
}

function choice(options, chosen, changed) {
  const each = options.map((option) => h("option", { value: option, selected: option === chosen }, option));
  return h("select", { onchange: ({ target }) => changed(target.value) }, each);
}

const named = (words, input) => h("label", {}, words, input);
