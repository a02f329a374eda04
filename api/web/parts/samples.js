// Ten digits of the test split, for those who cannot or will not draw.

import * as api from "../api.js";
import { fill, h } from "../dom.js";
import { attempt } from "./notices.js";

const SHOWN = 10;
const TESTED = 10_000;
const SIDE = 28;

/** A strip of neighbouring test digits from anywhere; `chosen(pixels)` gets the one that was pressed. */
export function samples(chosen) {
  const strip = h("div", { class: "strip" });
  const again = h("button", { type: "button", onclick: () => attempt(others) }, "Others");
  const node = h("section", { class: "card" }, h("h2", {}, "Or take one of the test digits"), strip, again);

  async function others() {
    const { data } = await api.samples("mnist", Math.floor(Math.random() * (TESTED - SHOWN)), SHOWN);
    fill(strip, data.map(button));
  }

  const button = ({ index, label, pixels }) =>
    h(
      "button",
      {
        type: "button",
        class: "sample",
        "aria-label": `Test digit ${index}, a ${label}`,
        onclick: () => chosen(pixels),
      },
      thumbnail(pixels),
    );

  attempt(others);
  return node;
}

function thumbnail(pixels) {
  const canvas = h("canvas", { width: SIDE, height: SIDE });
  const context = canvas.getContext("2d");
  const image = context.createImageData(SIDE, SIDE);
  pixels.forEach((value, index) => image.data.set([value, value, value, 255], 4 * index));
  context.putImageData(image, 0, 0);
  return canvas;
}
