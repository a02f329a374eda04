// The ε of one weight, followed through the layers to the loss for one test sample.

import * as api from "../api.js";
import { classNames } from "../datasets.js";
import { h, say } from "../dom.js";
import { beginsWithPixels, weightedLayers } from "../network.js";
import { travel } from "./travel.js";

const TRIES = 40;
const VISIBLE = 1e-6; // a smaller derivative is no good example
const LABELS = { layer: "layer", row: "row i (input)", column: "column j (unit)", test_sample: "test sample" };
const HINT =
  "Adds ε to one weight, W + E_ij·ε, and passes one test sample through the network. Every number becomes value + tangent·ε; " +
  "the tangent of the loss is its derivative with respect to that weight. The finite difference beside it depends on the choice of a step.";
const ZERO = "The derivative is zero: the pixel is black or the unit is inactive. Try another weight.";
const TOO_EARLY = "There is no checkpoint yet. Try again in a moment.";

/** The panel of a job. The event `pick` with {layer, row, column} chooses a weight from elsewhere. */
export function trace(job) {
  const weighted = weightedLayers(job.spec);
  const choice = chooser(weighted, beginsWithPixels(job.spec) ? job.spec.dataset.image_size : 0);
  const words = h("p", { class: "soft", role: "status" });
  const place = h("div", { class: "travel" });
  const form = h(
    "form",
    { class: "inline-form", onsubmit: submit },
    choice.nodes,
    h("button", { type: "submit", class: "primary" }, "Follow ε"),
    h("button", { type: "button", onclick: any }, "Pick a weight for me"),
  );
  const heading = [h("h2", {}, "Follow ε through the network"), h("p", { class: "hint" }, HINT)];
  const node = h("section", { class: "card", id: "epsilon" }, heading, form, words, place);

  /** Trace the chosen weight, and show the result if it is `accepted`. */
  async function follow(accepted = () => true) {
    try {
      const result = await api.trace(job.id, choice.read());
      if (!accepted(result)) return result;
      say(words, result.derivative === 0 ? ZERO : "");
      travel(place, result, job.spec, await classNames(job.spec.dataset.name, result.layers.at(-1).values.length));
      window.dispatchEvent(new CustomEvent("traced", { detail: result.direction }));
      return result;
    } catch (trouble) {
      say(words, trouble.code === "not_there_yet" ? TOO_EARLY : trouble.message);
      return null;
    }
  }

  function submit(event) {
    event.preventDefault();
    follow();
  }

  async function any() {
    const { inputs, units } = weighted.find(({ index }) => index === choice.read().layer);
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      choice.write({ row: below(inputs), column: below(units) });
      const result = await follow((one) => attempt === TRIES || visible(one));
      if (!result || visible(result)) return;
    }
  }

  function picked({ detail }) {
    choice.write(detail);
    follow();
    node.scrollIntoView({ block: "nearest" });
  }

  window.addEventListener("pick", picked);
  const update = (now) => {
    for (const button of form.querySelectorAll("button")) button.disabled = !now.progress.step;
  };
  return { node, update, dispose: () => window.removeEventListener("pick", picked) };
}

const below = (bound) => Math.floor(Math.random() * bound);
const visible = (result) => Math.abs(result.derivative) > VISIBLE;

/** Inputs for the body of `POST /v1/jobs/{id}/trace`; the first choice is the middle pixel. */
function chooser(weighted, side) {
  const options = weighted.map(({ index }) => h("option", { value: index }, index));
  const number = { type: "number", min: 0, value: 0 };
  const inputs = {
    layer: h("select", { id: "trace-layer" }, options),
    row: h("input", { id: "trace-row-i", ...number, value: (side >> 1) * side + (side >> 1) }),
    column: h("input", { id: "trace-column-j", ...number }),
    test_sample: h("input", { id: "trace-test-sample", ...number, max: 9999 }),
  };
  const nodes = Object.entries(inputs).map(([name, input]) => h("label", { for: input.id }, LABELS[name], input));
  const read = () => {
    const numbers = Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, Number(input.value)]));
    return { ...numbers, name: weighted.find(({ index }) => index === numbers.layer)?.name ?? "weights" };
  };
  const write = (some) => Object.entries(some).forEach(([name, value]) => (inputs[name].value = value));
  return { nodes, read, write };
}
