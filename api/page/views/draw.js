// Draw a digit and see what a model makes of it.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";
import { title } from "../format.js";
import { pen } from "../parts/pen.js";
import { newest, subscribe } from "../store.js";

const lines = []; // outlives the view: nothing drawn is lost by looking elsewhere
const SAMPLES = 10;
const TESTED = 10_000;

/** Show the canvas; `id` is the job whose model answers, else the best there is. */
export function drawView(main, id) {
  const said = h("p", { class: "answer", role: "status" }, "Draw a digit from 0 to 9.");
  const bars = Array.from({ length: 10 }, (_, digit) => bar(digit));
  const seen = h("img", { class: "digit", alt: "The 28 by 28 pixels that the model saw", hidden: true });
  const who = h("p", { class: "soft" });
  const choice = h("select", { id: "model", onchange: again });
  const canvas = pen(lines, again);
  const strip = h("div", { class: "strip" });
  let last = null; // what to ask: once more when the model is another

  async function ask(images) {
    last = images;
    try {
      show(await api.predict(images, choice.value || null));
    } catch (trouble) {
      const none = trouble.code === "not_there_yet" || trouble.code === "job_not_found";
      say(said, none ? "There is no trained model yet. Train a network first; it takes seconds." : trouble.message);
    }
  }

  function again() {
    if (lines.length) ask({ images: [canvas.png().split(",")[1]] });
    else if (last?.pixels) ask(last);
  }

  function show({ predictions: [found], model }) {
    const sure = Math.max(...found.probabilities);
    say(said, `This is a ${found.label}.`);
    fill(
      who,
      `${Math.round(100 * sure)} % sure, says step ${model.step} of `,
      h("a", { href: `#/jobs/${model.job_id}` }, model.job_id),
    );
    bars.forEach((one, digit) => one.set(found.probabilities[digit], digit === found.digit));
    seen.src = found.preview.startsWith("data:") ? found.preview : `data:image/png;base64,${found.preview}`;
    seen.hidden = false;
  }

  function clear() {
    canvas.clear();
    last = null;
    bars.forEach((one) => one.set(0, false));
    seen.hidden = true;
    fill(who);
    say(said, "Draw a digit from 0 to 9.");
  }

  async function others() {
    const first = Math.floor(Math.random() * (TESTED - SAMPLES));
    const { data } = await api.samples("mnist", first, SAMPLES);
    fill(
      strip,
      data.map((sample) =>
        h(
          "button",
          {
            type: "button",
            class: "sample",
            "aria-label": `Test digit ${sample.index}, a ${sample.label}`,
            onclick: () => {
              canvas.clear();
              ask({ pixels: [sample.pixels] });
            },
          },
          thumbnail(sample.pixels),
        ),
      ),
    );
  }

  const undo = () => {
    canvas.undo();
    lines.length ? again() : clear();
  };
  fill(
    main,
    h("h1", {}, "Draw a digit"),
    h(
      "div",
      { class: "draw" },
      h(
        "section",
        { class: "card" },
        canvas.node,
        h(
          "div",
          { class: "actions" },
          h("button", { type: "button", onclick: clear }, "Clear"),
          h("button", { type: "button", onclick: undo }, "Undo"),
        ),
      ),
      h(
        "section",
        { class: "card answers" },
        said,
        h(
          "div",
          { class: "bars" },
          bars.map((one) => one.node),
        ),
        who,
        h(
          "div",
          { class: "saw" },
          seen,
          h(
            "p",
            { class: "hint" },
            "What the model saw: your drawing in MNIST's form, 28 x 28 pixels, centred by its mass.",
          ),
        ),
        h("label", { for: "model" }, "Model ", choice),
      ),
    ),
    h(
      "section",
      { class: "card" },
      h("h2", {}, "Or take one of the test digits"),
      strip,
      h("button", { type: "button", onclick: () => others().catch(() => {}) }, "Others"),
    ),
  );

  const models = () => choose(choice, id);
  models();
  again();
  others().catch(() => {});
  return subscribe((_, type) => (type === "list" || type === "status") && models());
}

function choose(choice, id) {
  const kept = choice.value || id || "";
  const trained = newest().filter((job) => job.progress.step > 0);
  const options = [["", "the best there is"], ...trained.map((job) => [job.id, `${title(job)} (${job.status})`])];
  const key = JSON.stringify(options);
  if (choice.dataset.key === key) return;
  choice.dataset.key = key;
  fill(
    choice,
    options.map(([value, words]) => h("option", { value }, words)),
  );
  choice.value = options.some(([value]) => value === kept) ? kept : "";
}

function bar(digit) {
  const meter = h("meter", { min: 0, max: 1, value: 0, "aria-label": `Probability of ${digit}` });
  const words = h("span", { class: "share" }, "0 %");
  const node = h("div", { class: "prob" }, h("b", {}, digit), meter, words);
  const set = (share, chosen) => {
    meter.value = share;
    node.classList.toggle("chosen", chosen);
    say(words, `${Math.round(100 * share)} %`);
  };
  return { node, set };
}

function thumbnail(pixels) {
  const canvas = h("canvas", { width: 28, height: 28 });
  const context = canvas.getContext("2d");
  const image = context.createImageData(28, 28);
  pixels.forEach((value, index) => image.data.set([value, value, value, 255], 4 * index));
  context.putImageData(image, 0, 0);
  return canvas;
}
