// Drawing of a trace: the test sample, a column of units for each layer, the loss.

import { fill, h } from "../dom.js";
import { number } from "../format.js";

const SHOWN = 40;
const WAVES = 6; // that the stylesheet has, one after the other; the loss comes with the last
const SIDE = 28; // of the picture of the digit
const WIDTH = 150;
const TALL = 260;
const HEAD = 16;
const VALUES = WIDTH / 4; // where bars begin
const TANGENTS = 0.75 * WIDTH;

/** Draw a trace: bars to the right are positive; grey is the value, the accent the tangent, each in its own scale. */
export function travel(place, result, spec, classes) {
  const last = result.layers.length - 1;
  const columns = result.layers.map((layer, index) =>
    stage(layer, index, spec.network.layers[index], index === last ? classes : null),
  );
  fill(place, start(result, spec, classes), columns, end(result));
}

function start(result, spec, classes) {
  const { direction } = result;
  const name = classes[result.label];
  const side = spec.dataset.image_size;
  const first = direction.layer === 0 && direction.name === "weights";
  const y = Math.floor(direction.row / side);
  const x = direction.row % side;
  const cell = SIDE / side;
  const mark = first && h("rect", { class: "pixel", x: x * cell, y: y * cell, width: cell, height: cell });
  const image = h("img", {
    src: `data:image/png;base64,${result.preview}`,
    alt: `The test sample, a ${name}`,
    class: "digit",
  });
  return h(
    "figure",
    { class: "stage" },
    h(
      "div",
      { class: "stack" },
      image,
      h("svg", { viewBox: `0 0 ${SIDE} ${SIDE}`, class: "over", "aria-hidden": "true" }, mark),
    ),
    h(
      "figcaption",
      {},
      `a ${name}; ε on the weight from ${origin(direction, x, y)} to unit ${direction.column} of layer ${direction.layer}`,
    ),
  );
}

/** What a row of a weight matrix belongs to: a pixel of the image, a place in a kernel, or a unit of the layer before. */
function origin({ layer, name, row }, x, y) {
  if (name === "kernel") return `place ${row} of the kernel`;
  return layer === 0 ? `pixel (${x}, ${y})` : `unit ${row}`;
}

function stage(layer, index, { custom, activation, type }, classes) {
  const units = strongest(layer.tangents);
  const shown = units.slice(0, SHOWN).sort((one, other) => one - other);
  const strongestUnit = `${classes ? classes[units[0]] : `unit ${units[0]}`}: ${number(layer.values[units[0]])} ${signed(layer.tangents[units[0]])}·ε`;
  const label = `Layer ${index}: strongest tangent at ${strongestUnit}`;
  const some = shown.length < units.length && ` (${shown.length} of ${units.length} units)`;
  return h(
    "figure",
    { class: `stage wave-${Math.min(index + 1, WAVES)}` },
    h(
      "svg",
      { viewBox: `0 ${-HEAD} ${WIDTH} ${TALL + HEAD}`, role: "img", "aria-label": label },
      half("value", "value", layer.values, shown, VALUES),
      half("tangent", "tangent · ε", layer.tangents, shown, TANGENTS),
      names(shown, layer, classes),
    ),
    h(
      "figcaption",
      {},
      h("b", {}, `layer ${index}, ${custom ?? activation ?? type ?? "identity"}`),
      h("br"),
      strongestUnit,
      some && h("span", { class: "soft" }, some),
    ),
  );
}

/** For each bar a title with its numbers, and in the last layer the name of its class. */
function names(shown, { values, tangents }, classes) {
  const line = TALL / shown.length;
  return shown.map((unit, index) => {
    const label = classes ? classes[unit] : `unit ${unit}`;
    const row = h("rect", { class: "row", x: 0, y: index * line, width: WIDTH, height: line });
    const words = h("title", {}, `${label}: ${number(values[unit])} ${signed(tangents[unit])}·ε`);
    const text = h("text", { class: "key", x: 1, y: (index + 0.5) * line + 4 }, label.slice(0, 8));
    return h("g", {}, row, words, classes && text);
  });
}

/** One half of the picture: its head, and a bar to either side of `middle` for each unit that is shown. */
function half(kind, head, values, shown, middle) {
  const line = TALL / shown.length;
  const most = Math.max(...values.map(Math.abs));
  return [
    h("text", { class: "key", x: middle, y: -5, "text-anchor": "middle" }, head),
    ...shown.map((unit, at) => bar(kind, values[unit], most, at * line, line, middle)),
    h("line", { class: "floor", x1: middle, x2: middle, y1: 0, y2: TALL }),
  ];
}

function bar(kind, value, most, y, line, middle) {
  const length = most ? (Math.abs(value) / most) * (WIDTH / 4 - 4) : 0;
  const x = value < 0 ? middle - length : middle;
  return h("rect", { class: kind, x, y: y + 0.5, width: length, height: Math.max(1, line - 1.5) });
}

function end(result) {
  const apart = Math.abs(result.derivative - result.finite_difference);
  return h(
    "figure",
    { class: `stage loss wave-${WAVES}` },
    h("p", { class: "dual" }, "L = ", number(result.loss), " ", h("b", {}, `${signed(result.derivative)}·ε`)),
    h(
      "dl",
      { class: "pair" },
      h("dt", {}, "∂L/∂W from ε"),
      h("dd", {}, exact(result.derivative)),
      h("dt", {}, "finite difference"),
      h("dd", {}, exact(result.finite_difference)),
      h("dt", {}, "difference"),
      h("dd", {}, apart.toExponential(1)),
    ),
    h("figcaption", {}, `the loss; the difference used h = ${result.finite_difference_step.toExponential(1)}`),
  );
}

const signed = (value) => `${value < 0 ? "−" : "+"} ${number(Math.abs(value))}`;
const exact = (value) => (value === 0 ? "0" : value.toPrecision(12));

/** All units, those with the largest tangents first. */
function strongest(tangents) {
  const units = tangents.map((_, unit) => unit);
  return units.sort((one, other) => Math.abs(tangents[other]) - Math.abs(tangents[one]));
}
