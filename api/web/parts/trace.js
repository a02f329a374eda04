// The ε made visible: one weight, one digit, and how the tangent travels through the layers to the loss.

import * as api from "../api.js";
import { h, say } from "../dom.js";
import { denseLayers } from "../network.js";
import { travel } from "./travel.js";

const TRIES = 40;
const WORTH = 1e-6; // of a derivative, to be a good example
const LABELS = { layer: "layer", row: "row i", column: "column j", test_sample: "test digit" };
const HINT =
  "Add ε to one weight, W + E_ij·ε, and push one digit through. Every number now reads value + tangent·ε; " +
  "what arrives at the loss is the derivative by that weight. The finite difference beside it had to guess a step.";
const NOUGHT = "The tangent is nought: this weight meets a black pixel or a unit that is off. Try another.";
const TOO_EARLY = "There is no checkpoint yet; try again in a moment.";

/** The panel of a job. The event `pick` with {layer, row, column} chooses a weight from elsewhere. */
export function trace(job) {
  const dense = denseLayers(job.spec);
  const choice = chooser(dense, job.spec.dataset.image_size);
  const words = h("p", { class: "soft", role: "status" });
  const place = h("div", { class: "travel" });
  const form = h(
    "form",
    { class: "inline-form", onsubmit: submit },
    choice.nodes,
    h("button", { type: "submit", class: "primary" }, "Follow ε"),
    h("button", { type: "button", onclick: any }, "Pick one for me"),
  );
  const heading = [h("h2", {}, "The ε itself"), h("p", { class: "hint" }, HINT)];
  const node = h("section", { class: "card", id: "epsilon" }, heading, form, words, place);

  /** Follow what is chosen; what is not `wanted` is not shown. */
  async function follow(wanted = () => true) {
    try {
      const found = await api.trace(job.id, choice.read());
      if (!wanted(found)) return found;
      say(words, found.derivative === 0 ? NOUGHT : "");
      travel(place, found, job.spec);
      return found;
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
    const { inputs, units } = dense.find(({ index }) => index === choice.read().layer);
    for (let attempt = 1; attempt <= TRIES; attempt += 1) {
      choice.write({ row: below(inputs), column: below(units) });
      const found = await follow((one) => attempt === TRIES || worthy(one));
      if (!found || worthy(found)) return;
    }
  }

  function picked({ detail }) {
    choice.write(detail);
    follow();
    node.scrollIntoView({ block: "nearest" });
  }

  window.addEventListener("pick", picked);
  return { node, dispose: () => window.removeEventListener("pick", picked) };
}

const below = (bound) => Math.floor(Math.random() * bound);
const worthy = (found) => Math.abs(found.derivative) > WORTH;

/** The inputs for what `POST /v1/jobs/{id}/trace` asks; the first choice is the pixel in the middle. */
function chooser(dense, side) {
  const options = dense.map(({ index }) => h("option", { value: index }, index));
  const number = { type: "number", min: 0, value: 0 };
  const inputs = {
    layer: h("select", { id: "trace-layer" }, options),
    row: h("input", { id: "trace-row-i", ...number, value: (side >> 1) * side + (side >> 1) }),
    column: h("input", { id: "trace-column-j", ...number }),
    test_sample: h("input", { id: "trace-test-digit", ...number, max: 9999 }),
  };
  const nodes = Object.entries(inputs).map(([name, input]) => h("label", { for: input.id }, LABELS[name], input));
  const read = () => Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, Number(input.value)]));
  const write = (some) => Object.entries(some).forEach(([name, value]) => (inputs[name].value = value));
  return { nodes, read, write };
}
