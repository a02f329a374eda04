// The list of layers: units, activation, initializer, bias, or a layer that the operator installed.

import { fill, h, say } from "../dom.js";
import { ACTIVATIONS, INITIALIZERS } from "./fields.js";

/** An editor; `changed(layers)` gets the whole list after every edit. */
export function layerEditor(changed) {
  const list = h("ol", { class: "layers" });
  const wrong = h("span", { class: "wrong", role: "alert" });
  const add = (layer) => edit((layers) => layers.splice(Math.max(0, layers.length - 1), 0, layer));
  const node = h(
    "div",
    { class: "layer-box" },
    list,
    wrong,
    h(
      "div",
      { class: "actions" },
      h(
        "button",
        { type: "button", onclick: () => add({ units: 20, activation: "relu", initializer: "he" }) },
        "Add a layer",
      ),
      h("button", { type: "button", onclick: () => add({ custom: "quantize" }) }, "Add a black box"),
    ),
    h(
      "p",
      { class: "meaning" },
      "From the pixels to the classes. The last layer has one unit for each class. He suits relu, Xavier softmax and tanh. " +
        "A black box is a layer of values only; quantize, which rounds, is built in.",
    ),
  );
  let shown = [];

  function edit(work) {
    const layers = structuredClone(shown);
    work(layers);
    show(layers);
    changed(layers);
  }

  function show(layers) {
    if (JSON.stringify(layers) === JSON.stringify(shown) && list.children.length) return;
    shown = structuredClone(layers);
    fill(
      list,
      shown.map((layer, index) => row(layer, index)),
    );
  }

  const put = (index, name, value) => {
    shown[index] = { ...shown[index], [name]: value };
    changed(structuredClone(shown));
  };

  function row(layer, index) {
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
    return h("li", {}, layer.custom === undefined ? dense(layer, index) : black(layer, index), remove);
  }

  const named = (words, input) => h("label", {}, words, input);

  function dense(layer, index) {
    const pick = (name, options) =>
      h(
        "select",
        { onchange: (event) => put(index, name, event.target.value) },
        options.map((option) => h("option", { value: option, selected: layer[name] === option }, option)),
      );
    return [
      named(
        "units",
        h("input", {
          type: "number",
          min: 1,
          max: 65536,
          value: layer.units,
          oninput: (event) => put(index, "units", Number(event.target.value)),
        }),
      ),
      named("activation", pick("activation", ACTIVATIONS)),
      named("initializer", pick("initializer", INITIALIZERS)),
      named(
        "bias",
        h("input", {
          type: "checkbox",
          checked: layer.bias ?? true,
          onchange: (event) => put(index, "bias", event.target.checked),
        }),
      ),
    ];
  }

  function black(layer, index) {
    return h(
      "label",
      {},
      "black box",
      h("input", { type: "text", value: layer.custom, oninput: (event) => put(index, "custom", event.target.value) }),
    );
  }
  return { node, show, fault: (message) => say(wrong, message) };
}
