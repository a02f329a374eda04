// A prediction: the class, a bar for each probability, and the image as the model saw it.

import { fill, h, say } from "../dom.js";

const MOST_BARS = 12; // of a model with more classes, the most probable ones are shown

/** The panel; `show` takes a prediction with a preview, the names of the classes and the job it comes from. */
export function answer(invitation) {
  const said = h("p", { class: "answer", role: "status" }, invitation);
  const list = h("div", { class: "bars" });
  const source = h("p", { class: "soft" });
  const seen = h("img", { class: "digit", alt: "", hidden: true });
  const hint = h("p", { class: "hint" });
  const nodes = [said, list, source, h("div", { class: "saw" }, seen, hint)];
  let bars = [];
  let classes = [];

  /** Show empty bars for these classes. */
  function prepare(names) {
    if (String(names) === String(classes)) return;
    classes = names;
    bars = names.slice(0, MOST_BARS).map(bar);
    fill(list, bars.map((one) => one.node));
  }

  function show({ predictions: [prediction], model }, job) {
    const { probabilities, label } = prediction;
    const confidence = Math.round(100 * Math.max(...probabilities));
    const link = h("a", { href: `#/jobs/${model.job_id}` }, job?.name || model.job_id);
    say(said, `This is a ${label}.`);
    fill(source, `${confidence} % confident (`, link, `, step ${model.step})`);
    shownClasses(probabilities).forEach((index, place) =>
      bars[place].set(classes[index], probabilities[index], index === prediction.digit),
    );
    preview(prediction.preview, job?.spec.dataset.image_size);
  }

  function shownClasses(probabilities) {
    const all = probabilities.map((_, index) => index);
    if (all.length <= MOST_BARS) return all;
    return all.sort((one, other) => probabilities[other] - probabilities[one]).slice(0, MOST_BARS);
  }

  function preview(png, side) {
    seen.src = `data:image/png;base64,${png}`;
    seen.alt = side ? `The ${side} by ${side} pixels that the model saw` : "The pixels that the model saw";
    seen.hidden = false;
    say(hint, side ? `What the model saw: your image, prepared as its data set was, at ${side} × ${side} pixels.` : "");
  }

  function clear() {
    bars.forEach((one, index) => one.set(classes[index], 0, false));
    seen.hidden = true;
    fill(source);
    say(hint, "");
    say(said, invitation);
  }
  return { nodes, prepare, show, clear, complain: (words) => say(said, words) };
}

function bar(name) {
  const ink = h("span", { class: "ink" });
  const range = { role: "meter", "aria-valuemin": 0, "aria-valuemax": 100, "aria-valuenow": 0 };
  const meter = h("div", { ...range, class: "meter", "aria-label": `Probability of ${name}` }, ink);
  const words = h("span", { class: "share" }, "0 %");
  const label = h("b", { title: name }, name);
  const node = h("div", { class: "prob" }, label, meter, words);
  const set = (shown, share, chosen) => {
    say(label, shown);
    meter.setAttribute("aria-label", `Probability of ${shown}`);
    meter.setAttribute("aria-valuenow", Math.round(100 * share));
    ink.style.width = `${100 * share}%`;
    node.classList.toggle("chosen", chosen);
    say(words, `${Math.round(100 * share)} %`);
  };
  return { node, set };
}
