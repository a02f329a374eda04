// Draw a digit and see what a model makes of it.

import * as api from "../api.js";
import { fill, h } from "../dom.js";
import { title } from "../format.js";
import { answer } from "../parts/answer.js";
import { pen } from "../parts/pen.js";
import { samples } from "../parts/samples.js";
import { jobs, newest, read, subscribe } from "../store.js";

const NO_MODEL = "There is no trained model yet. Train a network first; it takes seconds.";
const lines = []; // outlives the view: nothing drawn is lost by looking elsewhere

/** Show the canvas; `id` is the job whose model answers, else the best there is. */
export function drawView(main, id) {
  const panel = answer();
  const choice = h("select", { id: "model", onchange: choose });
  const canvas = pen(lines, again);
  let wanted = id ?? ""; // a job may learn its first step, or be read, only after it was asked for
  let asked = 0;
  let chosen = null; // the pixels of a test digit, when it is not the drawing that is asked for

  async function ask(images) {
    const number = (asked += 1);
    try {
      const found = await api.predict(images, choice.value || null);
      if (number === asked) panel.show(found); // else something newer is drawn
    } catch (trouble) {
      const none = ["not_there_yet", "job_not_found"].includes(trouble.code);
      if (number === asked) panel.complain(none ? NO_MODEL : trouble.message);
    }
  }

  function again() {
    if (lines.length) ask({ images: [canvas.png()] });
    else if (chosen) ask({ pixels: [chosen] });
    else {
      asked += 1; // what is on its way answers nothing any more
      panel.clear();
    }
  }

  function take(pixels) {
    canvas.clear();
    chosen = pixels;
    again();
  }

  function undo() {
    canvas.undo();
    again();
  }

  function choose() {
    wanted = choice.value;
    again();
  }

  const clear = () => take(null);
  const button = (words, onclick) => h("button", { type: "button", onclick }, words);
  const buttons = h("div", { class: "actions" }, button("Clear", clear), button("Undo", undo));
  const model = h("label", { for: "model" }, "Model ", choice);
  fill(
    main,
    h("h1", {}, "Draw a digit"),
    h(
      "div",
      { class: "draw" },
      h("section", { class: "card" }, canvas.node, buttons),
      h("section", { class: "card answers" }, panel.nodes, model),
    ),
    samples(take),
  );
  const list = () => offer(choice, wanted);
  list();
  if (id && !jobs.has(id)) read(id).then(list, () => {});
  again();
  return subscribe((_, type) => (type === "list" || type === "status") && list());
}

/** Offer the jobs that have learned something, and choose the wanted one, else the best there is. */
function offer(choice, wanted) {
  const trained = newest().filter((job) => job.progress.step > 0);
  const options = [["", "the best there is"], ...trained.map((job) => [job.id, `${title(job)} (${job.status})`])];
  const key = JSON.stringify(options);
  if (choice.dataset.key === key) return;
  choice.dataset.key = key;
  fill(
    choice,
    options.map(([value, words]) => h("option", { value }, words)),
  );
  choice.value = options.some(([value]) => value === wanted) ? wanted : "";
}
