// The picture of a trace: the digit, a column of units for each layer, the loss.

import { fill, h } from "../dom.js";
import { number } from "../format.js";

const SHOWN = 40;
const WIDTH = 150;
const TALL = 260;
const HEAD = 16;

/** Draw a trace: bars to the right are positive; grey is the value, the accent the tangent, each in its own scale. */
export function travel(place, found, spec) {
  const columns = found.layers.map((layer, index) => stage(layer, index, found, spec));
  fill(place, start(found, spec), columns, end(found));
}

function start(found, spec) {
  const { direction } = found;
  const side = spec.dataset.image_size;
  const first = direction.layer === 0 && direction.name === "weights";
  const [y, x] = [Math.floor(direction.row / side), direction.row % side];
  const mark =
    first && h("rect", { class: "pixel", x: (x * 28) / side, y: (y * 28) / side, width: 28 / side, height: 28 / side });
  const image = h("img", {
    src: `data:image/png;base64,${found.preview}`,
    alt: `The digit, a ${found.label}`,
    class: "digit",
  });
  return h(
    "figure",
    { class: "stage" },
    h(
      "div",
      { class: "stack" },
      image,
      h("svg", { viewBox: "0 0 28 28", class: "over", "aria-hidden": "true" }, mark || []),
    ),
    h(
      "figcaption",
      {},
      `a ${found.label}; ε on weight (${direction.row}, ${direction.column}) of layer ${direction.layer}`,
    ),
  );
}

function stage(layer, index, found, spec) {
  const name = spec.network.layers[index].custom ?? spec.network.layers[index].activation;
  const chosen = strongest(layer);
  const largest = layer.tangents.reduce(
    (best, tangent, unit) => (Math.abs(tangent) > Math.abs(layer.tangents[best]) ? unit : best),
    0,
  );
  const told = `unit ${largest}: ${number(layer.values[largest])} ${signed(layer.tangents[largest])}·ε`;
  return h(
    "figure",
    { class: `stage wave-${Math.min(index + 1, 6)}` },
    h(
      "svg",
      {
        viewBox: `0 ${-HEAD} ${WIDTH} ${TALL + HEAD}`,
        role: "img",
        "aria-label": `Layer ${index}: strongest tangent at ${told}`,
      },
      heads(),
      bars(layer, chosen),
      [WIDTH / 4, 0.75 * WIDTH].map((x) => h("line", { class: "floor", x1: x, x2: x, y1: 0, y2: TALL })),
    ),
    h(
      "figcaption",
      {},
      h("b", {}, `layer ${index}, ${name}`),
      h("br"),
      told,
      layer.values.length > chosen.length
        ? h("span", { class: "soft" }, ` (${chosen.length} of ${layer.values.length} units)`)
        : null,
    ),
  );
}

const heads = () => [
  h("text", { class: "key", x: WIDTH / 4, y: -5, "text-anchor": "middle" }, "value"),
  h("text", { class: "key", x: 0.75 * WIDTH, y: -5, "text-anchor": "middle" }, "tangent · ε"),
];

function bars(layer, chosen) {
  const line = TALL / chosen.length;
  return chosen.flatMap((unit, at) => [
    half(layer.values[unit], peak(layer.values), at * line, line, "value", 0),
    half(layer.tangents[unit], peak(layer.tangents), at * line, line, "tangent", WIDTH / 2),
  ]);
}

/** A bar in the half of the picture that starts at `left`. */
function half(value, most, y, line, kind, left) {
  const middle = left + WIDTH / 4;
  const length = most ? (Math.abs(value) / most) * (WIDTH / 4 - 4) : 0;
  const x = value < 0 ? middle - length : middle;
  return h("rect", { class: kind, x, y: y + 0.5, width: length, height: Math.max(1, line - 1.5) });
}

function end(found) {
  const apart = Math.abs(found.derivative - found.finite_difference);
  return h(
    "figure",
    { class: "stage loss wave-6" },
    h("p", { class: "dual" }, "L = ", number(found.loss), " ", h("b", {}, `${signed(found.derivative)}·ε`)),
    h(
      "dl",
      { class: "pair" },
      h("dt", {}, "∂L/∂W by ε"),
      h("dd", {}, exact(found.derivative)),
      h("dt", {}, "finite difference"),
      h("dd", {}, exact(found.finite_difference)),
      h("dt", {}, "apart by"),
      h("dd", {}, apart.toExponential(1)),
    ),
    h("figcaption", {}, `the loss; the difference used h = ${found.finite_difference_step.toExponential(1)}`),
  );
}

const peak = (values) => Math.max(...values.map(Math.abs));
const signed = (value) => `${value < 0 ? "−" : "+"} ${number(Math.abs(value))}`;
const exact = (value) => (value === 0 ? "0" : value.toPrecision(12));

/** The units with the largest tangents, in the order in which they stand. */
function strongest(layer) {
  const order = layer.values.map((_, unit) => unit);
  order.sort((one, other) => Math.abs(layer.tangents[other]) - Math.abs(layer.tangents[one]));
  return order.slice(0, SHOWN).sort((one, other) => one - other);
}
