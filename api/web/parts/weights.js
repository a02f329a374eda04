// A layer's weights as small images that change during training; a click selects the weight for the ε.

import * as api from "../api.js";
import { h, say } from "../dom.js";
import { beginsWithPixels, weightedLayers } from "../network.js";

const AGAIN_MILLISECONDS = 1500;
const LAST_MILLISECONDS = 300;
const GAP = 1; // between the tiles of weights.png
const SHOWN_UNITS = 400; // at most, in weights.png
const HINT =
  "Blue is negative, red positive. In the first layer each small image holds the weights of one unit, at the pixels they belong to; " +
  "of a convolution each is a kernel for one channel. " +
  "Click a pixel to follow the ε of its weight below.";

/** The picture of a job's weights. Picking sends the event `pick` with {layer, row, column} to the window. */
export function weights(job) {
  const picture = h("img", { class: "weights", alt: "", hidden: true, onclick: pick });
  const mark = h("span", { class: "mark", hidden: true, "aria-hidden": "true" });
  const words = h("p", { class: "soft" }, job.finished_at && !job.progress.step ? "The job ended without a checkpoint." : "Appears with the first checkpoint.");
  const options = weightedLayers(job.spec).map(({ index, name, units, activation = "identity" }) =>
    h("option", { value: index }, `${index}: ${units} ${name === "kernel" ? "filters" : "units"}, ${activation}`),
  );
  const choice = h("select", { id: "weights-layer", onchange: load }, options);
  const node = h(
    "section",
    { class: "card" },
    h("h2", {}, "Weights"),
    h("p", { class: "hint" }, HINT),
    h("label", { for: "weights-layer", class: "inline" }, "Layer ", choice),
    h("div", { class: "stack-weights" }, picture, mark),
    words,
  );
  let loadedAt = 0;
  let number = 0; // of the newest request; responses to older ones are ignored
  let url = null;

  async function load() {
    loadedAt = Date.now();
    number += 1;
    const mine = number;
    const layer = choice.value;
    try {
      const blob = await api.weights(job.id, layer);
      if (mine !== number) return;
      if (url) URL.revokeObjectURL(url);
      picture.src = url = URL.createObjectURL(blob);
      picture.alt = `Weights of layer ${layer} as small images`;
      picture.hidden = false;
      say(words, "");
    } catch (trouble) {
      if (mine === number && trouble.code !== "not_there_yet") say(words, trouble.message);
    }
  }

  function pick(event) {
    if (Number(choice.value) !== 0 || !beginsWithPixels(job.spec)) return;
    const place = weightAt(picture, event, job.spec);
    if (place) window.dispatchEvent(new CustomEvent("pick", { detail: { layer: 0, ...place } }));
  }

  let shown = ""; // status when the image was loaded: when it changes, the last checkpoint is about to be written
  let timer = null;

  function update(now, type) {
    if (!now.progress.step || type === "link") return;
    if (shown !== now.status) {
      clearTimeout(timer);
      timer = setTimeout(load, LAST_MILLISECONDS);
      shown = now.status;
    } else if (now.status === "running" && Date.now() - loadedAt >= AGAIN_MILLISECONDS) load();
  }

  /** Mark the weight that the ε was added to. */
  function traced({ detail: { layer, name, row, column } }) {
    mark.hidden = layer !== 0 || name !== "weights" || !beginsWithPixels(job.spec) || Number(choice.value) !== 0 || picture.hidden;
    if (!mark.hidden) Object.assign(mark.style, boxOf(row, column, job.spec));
  }

  window.addEventListener("traced", traced);

  function dispose() {
    window.removeEventListener("traced", traced);
    number += 1;
    clearTimeout(timer);
    if (url) URL.revokeObjectURL(url);
  }
  return { node, update, dispose };
}

/** Number of columns of tiles, and of pixels across, in the image of the first layer. */
function grid(spec) {
  const units = Math.min(spec.network.layers[0].units, SHOWN_UNITS);
  const columns = Math.ceil(Math.sqrt(units));
  const tile = spec.dataset.image_size + GAP;
  const lines = Math.ceil(units / columns);
  return { units, columns, tile, width: columns * tile + GAP, height: lines * tile + GAP };
}

/** The place of a weight in the image, as shares of its size. */
function boxOf(row, column, spec) {
  const side = spec.dataset.image_size;
  const { columns, tile, width, height } = grid(spec);
  const x = (column % columns) * tile + GAP + (row % side);
  const y = Math.floor(column / columns) * tile + GAP + Math.floor(row / side);
  const share = (value, whole) => `${(100 * value) / whole}%`;
  return { left: share(x, width), top: share(y, height), width: share(1, width), height: share(1, height) };
}

/** The weight under the pointer: its row is the pixel, its column the unit. */
function weightAt(picture, event, spec) {
  const side = spec.dataset.image_size;
  const { units, columns, tile, width: cells } = grid(spec);
  const box = picture.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top].map(
    (at) => Math.floor((at / box.width) * cells) - GAP,
  );
  const column = Math.floor(y / tile) * columns + Math.floor(x / tile);
  const [pixelX, pixelY] = [x % tile, y % tile]; // -1 in the gap before the first tile
  const inside = pixelX >= 0 && pixelY >= 0 && pixelX < side && pixelY < side && column < units;
  return inside ? { row: pixelY * side + pixelX, column } : null;
}
