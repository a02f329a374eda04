// Draw or choose an image and see how a model classifies it.

import * as api from "../api.js";
import { classNames } from "../datasets.js";
import { fill, h } from "../dom.js";
import { answer } from "../parts/answer.js";
import { modelChoice } from "../parts/model_choice.js";
import { attempt } from "../parts/notices.js";
import { pen } from "../parts/pen.js";
import { samples } from "../parts/samples.js";
import { jobs, read, subscribe } from "../store.js";

const INVITATION = "Draw in the black square, or choose an image.";
const NO_MODEL = "There is no trained model yet. Train a network first; it takes seconds.";
const MISSING = ["not_there_yet", "job_not_found"];
const MNIST = "mnist";
const lines = []; // outlives the view: a drawing survives a visit to another view

/** Show the canvas; `id` is the job whose model classifies, else the best model. */
export function drawView(main, id) {
  const panel = answer(INVITATION);
  const choice = modelChoice(id ?? "", () => attempt(choose));
  const canvas = pen(lines, again);
  const strip = samples((pixels) => take({ pixels: [pixels] }));
  let newest = 0; // number of the newest request
  let chosen = null; // a test sample or a file, if it was chosen after the drawing

  async function classify(images) {
    const number = (newest += 1);
    try {
      const prediction = await api.predict(images, choice.value());
      const job = await jobOf(prediction.model.job_id);
      await showClasses(job, prediction.predictions[0].probabilities.length);
      if (number === newest) panel.show(prediction, job); // else a newer request is on its way
    } catch (trouble) {
      if (number === newest) panel.complain(MISSING.includes(trouble.code) ? NO_MODEL : trouble.message);
    }
  }

  async function showClasses(job, count) {
    panel.prepare(await classNames(job?.spec.dataset.name ?? MNIST, count));
  }

  function again() {
    if (lines.length) classify({ images: [canvas.png()] });
    else if (chosen) classify(chosen);
    else {
      newest += 1; // ignore the answer to an earlier request
      panel.clear();
    }
  }

  function take(images) {
    canvas.clear();
    chosen = images;
    again();
  }

  function undo() {
    canvas.undo();
    again();
  }

  /** Follow the choice of the model: its classes, its data set's samples, its prediction. */
  async function choose() {
    const job = choice.value() ? await jobOf(choice.value()) : null;
    await showClasses(job);
    strip.load(job?.spec.dataset.name ?? MNIST);
    again();
  }

  const button = (words, onclick) => h("button", { type: "button", onclick }, words);
  const buttons = h("div", { class: "actions" }, button("Clear", () => take(null)), button("Undo", undo), upload(take));
  const paste = (event) => attempt(() => file(event.clipboardData.files[0]).then((images) => images && take(images)));
  const columns = [
    h("section", { class: "card" }, canvas.node, buttons),
    h("section", { class: "card answers" }, panel.nodes, choice.node),
  ];
  fill(main, h("h1", {}, "Draw a digit"), h("div", { class: "draw" }, columns), strip.node);
  choice.draw();
  const known = id && !jobs.has(id) ? read(id).then(choice.draw, () => {}) : Promise.resolve();
  known.then(() => attempt(choose));
  window.addEventListener("paste", paste);
  const stop = subscribe((_, type) => (type === "list" || type === "status") && choice.draw());
  return () => {
    stop();
    window.removeEventListener("paste", paste);
  };
}

const jobOf = async (id) => jobs.get(id) ?? read(id).catch(() => null);

/** A button that takes an image file. */
function upload(take) {
  const input = h("input", { type: "file", accept: "image/png,image/jpeg,image/webp", class: "hidden", id: "image-file" });
  input.addEventListener("change", () => attempt(() => file(input.files[0]).then((images) => images && take(images))));
  return h("label", { class: "button", for: "image-file" }, "Choose an image file", input);
}

/** A file as the body of a prediction request; null without a file. */
async function file(chosen) {
  if (!chosen) return null;
  const bytes = new Uint8Array(await chosen.arrayBuffer());
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return { images: [btoa(text)] };
}
