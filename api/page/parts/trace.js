// The ε made visible: one weight, one digit, and how the tangent travels through the layers to the loss.

import * as api from "../api.js";
import { h, say } from "../dom.js";
import { travel } from "./travel.js";

const TRIES = 40;
const WORTH = 1e-6; // of a derivative, to be a good example

/** The panel of a job. */
export function trace(job) {
  const { image_size: side } = job.spec.dataset;
  const dense = job.spec.network.layers.map((layer, index) => ({ layer, index })).filter(({ layer }) => !layer.custom);
  // Custom layers keep the width that they are given.
  const fan = (index) => job.spec.network.layers.slice(0, index).findLast((one) => one.units)?.units ?? side ** 2;
  const layer = field(
    "select",
    "layer",
    {},
    dense.map(({ index }) => h("option", { value: index }, index)),
  );
  const row = field("input", "row i", { type: "number", min: 0, value: (side >> 1) * side + (side >> 1) });
  const column = field("input", "column j", { type: "number", min: 0, value: 0 });
  const sample = field("input", "test digit", { type: "number", min: 0, max: 9999, value: 0 });
  const words = h("p", { class: "soft", role: "status" });
  const place = h("div", { class: "travel" });
  const form = h(
    "form",
    {
      class: "inline-form",
      onsubmit: (event) => {
        event.preventDefault();
        follow();
      },
    },
    [layer, row, column, sample].map((one) => one.node),
    h("button", { type: "submit", class: "primary" }, "Follow ε"),
    h("button", { type: "button", onclick: any }, "Pick one for me"),
  );
  const node = h(
    "section",
    { class: "card", id: "epsilon" },
    h("h2", {}, "The ε itself"),
    h(
      "p",
      { class: "hint" },
      "Add ε to one weight, W + E_ij·ε, and push one digit through. Every number now reads value + tangent·ε; " +
        "what arrives at the loss is the derivative by that weight. The finite difference beside it had to guess a step.",
    ),
    form,
    words,
    place,
  );

  const asked = () => ({
    layer: Number(layer.input.value),
    row: Number(row.input.value),
    column: Number(column.input.value),
    test_sample: Number(sample.input.value),
  });

  /** Follow what is chosen; what is not `wanted` is not shown. */
  async function follow(wanted = () => true) {
    try {
      const found = await api.trace(job.id, asked());
      if (!wanted(found)) return found;
      say(
        words,
        found.derivative === 0
          ? "The tangent is nought: this weight meets a black pixel or a unit that is off. Try another."
          : "",
      );
      travel(place, found, job.spec);
      return found;
    } catch (trouble) {
      say(
        words,
        trouble.code === "not_there_yet" ? "There is no checkpoint yet; try again in a moment." : trouble.message,
      );
      return null;
    }
  }

  async function any() {
    for (let attempt = 0; attempt < TRIES; attempt += 1) {
      row.input.value = Math.floor(Math.random() * fan(Number(layer.input.value)));
      column.input.value = Math.floor(Math.random() * job.spec.network.layers[layer.input.value].units);
      const last = attempt === TRIES - 1;
      const found = await follow((one) => last || Math.abs(one.derivative) > WORTH);
      if (!found || Math.abs(found.derivative) > WORTH) return;
    }
  }

  function picked({ detail }) {
    Object.assign(layer.input, { value: detail.layer });
    row.input.value = detail.row;
    column.input.value = detail.column;
    follow();
    node.scrollIntoView({ block: "nearest" });
  }

  window.addEventListener("pick", picked);
  return { node, dispose: () => window.removeEventListener("pick", picked) };
}

function field(tag, name, attributes, children = []) {
  const id = `trace-${name.replace(" ", "-")}`;
  const input = h(tag, { id, ...attributes }, children);
  return { input, node: h("label", { for: id }, name, input) };
}
