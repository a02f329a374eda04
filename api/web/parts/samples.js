// Ten test samples of a data set, to classify without drawing.

import * as api from "../api.js";
import { dataset } from "../datasets.js";
import { fill, h, say } from "../dom.js";
import { attempt } from "./notices.js";

const SHOWN = 10;
const SIDE = 28;

/** A strip of neighboring test samples; `chosen(pixels)` gets the one that was pressed. `load(name)` fills it. */
export function samples(chosen) {
  const strip = h("div", { class: "strip" });
  const title = h("h2", {}, "Or choose a test sample");
  const other = h("button", { type: "button", onclick: () => attempt(others) }, "Other samples");
  const node = h("section", { class: "card" }, title, strip, other);
  let name = null;

  async function load(wanted) {
    if (name === wanted) return;
    name = wanted;
    say(title, `Or choose a test sample of ${name}`);
    await attempt(others);
  }

  async function others() {
    const mine = name;
    const count = (await dataset(mine))?.test_samples ?? SHOWN;
    const first = Math.floor(Math.random() * Math.max(1, count - SHOWN));
    const { data } = await api.samples(mine, first, SHOWN);
    if (mine === name) fill(strip, data.map(button));
  }

  const button = ({ index, name: label, pixels }) => {
    const attributes = { type: "button", class: "sample", "aria-label": `Test sample ${index}, a ${label}` };
    return h("button", { ...attributes, onclick: () => chosen(pixels) }, thumbnail(pixels));
  };
  return { node, load };
}

/** A canvas with the 28x28 pixels of a sample. */
export function thumbnail(pixels) {
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  pixels.forEach((value, index) => image.data.set([value, value, value, 255], 4 * index));
  context.putImageData(image, 0, 0);
  return canvas;
}
