// A layer's weights as pictures that change while it learns; a click on one picks the weight for the ε.

import * as api from "../api.js";
import { h, say } from "../dom.js";
import { denseLayers } from "../network.js";

const AGAIN_MILLISECONDS = 1500;
const LAST_MILLISECONDS = 300;
const GAP = 1; // between the tiles of weights.png
const SHOWN_UNITS = 400; // at most, in weights.png
const HINT =
  "Blue is negative, red positive. Of the first layer every unit is a small picture: what it looks for. " +
  "Click a pixel to follow its ε below.";

/** The picture of a job's weights. Picking sends the event `pick` with {layer, row, column} to the window. */
export function weights(job) {
  const picture = h("img", { class: "weights", alt: "", hidden: true, onclick: pick });
  const words = h("p", { class: "soft" }, "Appears with the first checkpoint.");
  const options = denseLayers(job.spec).map(({ index, units, activation }) =>
    h("option", { value: index }, `${index}: ${units} units, ${activation}`),
  );
  const choice = h("select", { id: "weights-layer", onchange: load }, options);
  const node = h(
    "section",
    { class: "card" },
    h("h2", {}, "Weights"),
    h("p", { class: "hint" }, HINT),
    h("label", { for: "weights-layer", class: "inline" }, "Layer ", choice),
    picture,
    words,
  );
  let asked = 0; // when
  let number = 0; // of the newest request: an older one that is answered later is of no use
  let url = null;

  async function load() {
    asked = Date.now();
    const [mine, layer] = [(number += 1), choice.value];
    try {
      const blob = await api.weights(job.id, layer);
      if (mine !== number) return;
      if (url) URL.revokeObjectURL(url);
      picture.src = url = URL.createObjectURL(blob);
      picture.alt = `Weights of layer ${layer} as small pictures`;
      picture.hidden = false;
      say(words, "");
    } catch (trouble) {
      if (mine === number && trouble.code !== "not_there_yet") say(words, trouble.message);
    }
  }

  function pick(event) {
    if (Number(choice.value) !== 0) return;
    const place = weightAt(picture, event, job.spec);
    if (place) window.dispatchEvent(new CustomEvent("pick", { detail: { layer: 0, ...place } }));
  }

  let shown = ""; // status of the last picture: when it changes, the last checkpoint is on its way
  let timer = null;

  function update(now, type) {
    if (!now.progress.step || type === "link") return;
    if (shown !== now.status) {
      clearTimeout(timer);
      timer = setTimeout(load, LAST_MILLISECONDS);
      shown = now.status;
    } else if (now.status === "running" && Date.now() - asked >= AGAIN_MILLISECONDS) load();
  }

  function dispose() {
    number += 1;
    clearTimeout(timer);
    if (url) URL.revokeObjectURL(url);
  }
  return { node, update, dispose };
}

/** Which weight lies under the pointer: its row is the pixel, its column the unit. */
function weightAt(picture, event, spec) {
  const side = spec.dataset.image_size;
  const units = Math.min(spec.network.layers[0].units, SHOWN_UNITS);
  const columns = Math.ceil(Math.sqrt(units));
  const tile = side + GAP;
  const cells = columns * tile + GAP;
  const box = picture.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top].map(
    (at) => Math.floor((at / box.width) * cells) - GAP,
  );
  const column = Math.floor(y / tile) * columns + Math.floor(x / tile);
  const [pixelX, pixelY] = [x % tile, y % tile]; // -1 in the gap before the first tile
  const inside = pixelX >= 0 && pixelY >= 0 && pixelX < side && pixelY < side && column < units;
  return inside ? { row: pixelY * side + pixelX, column } : null;
}
