// What a model says of a picture: the digit, ten bars, and the pixels that it saw.

import { fill, h, say } from "../dom.js";

const ASK = "Draw a digit from 0 to 9.";

/** The panel; `show` takes the answer to a prediction with a preview. */
export function answer() {
  const said = h("p", { class: "answer", role: "status" }, ASK);
  const bars = Array.from({ length: 10 }, (_, digit) => bar(digit));
  const who = h("p", { class: "soft" });
  const seen = h("img", { class: "digit", alt: "The 28 by 28 pixels that the model saw", hidden: true });
  const hint = "What the model saw: your drawing in MNIST's form, 28 x 28 pixels, centred by its mass.";
  const list = h(
    "div",
    { class: "bars" },
    bars.map((one) => one.node),
  );
  const nodes = [said, list, who, h("div", { class: "saw" }, seen, h("p", { class: "hint" }, hint))];

  function show({ predictions: [found], model }) {
    const sure = Math.round(100 * Math.max(...found.probabilities));
    const job = h("a", { href: `#/jobs/${model.job_id}` }, model.job_id);
    say(said, `This is a ${found.label}.`);
    fill(who, `${sure} % sure, says step ${model.step} of `, job);
    bars.forEach((one, digit) => one.set(found.probabilities[digit] ?? 0, digit === found.digit));
    seen.src = `data:image/png;base64,${found.preview}`;
    seen.hidden = false;
  }

  function clear() {
    bars.forEach((one) => one.set(0, false));
    seen.hidden = true;
    fill(who);
    say(said, ASK);
  }
  return { nodes, show, clear, complain: (words) => say(said, words) };
}

function bar(digit) {
  const ink = h("span", { class: "ink" });
  const range = { role: "meter", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 };
  const meter = h("div", { ...range, class: "meter", "aria-label": `Probability of ${digit}` }, ink);
  const words = h("span", { class: "share" }, "0 %");
  const node = h("div", { class: "prob" }, h("b", {}, digit), meter, words);
  const set = (share, chosen) => {
    meter.setAttribute("aria-valuenow", Math.round(100 * share));
    ink.style.width = `${100 * share}%`;
    node.classList.toggle("chosen", chosen);
    say(words, `${Math.round(100 * share)} %`);
  };
  return { node, set };
}
