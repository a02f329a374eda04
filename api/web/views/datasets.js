// Data sets that jobs can train on: the list, their classes and samples, and an upload.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";
import { count } from "../format.js";
import { attempt, notice } from "../parts/notices.js";
import { thumbnail } from "../parts/samples.js";
import { maySubmit } from "../store.js";

const COLUMNS = [["Data set", ""], ["Source", ""], ["Status", ""], ["Classes", ""], ["Training", "num"], ["Test", "num"]];
const SAMPLES = 10;

/** Show all data sets; a press on one shows samples of it. */
export function datasetsView(main) {
  const body = h("tbody");
  const head = h("tr", {}, COLUMNS.map(([name, kind]) => h("th", { scope: "col", class: kind }, name)));
  const table = h("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Data sets" }, h("table", { class: "sweeps" }, h("thead", {}, head), body));
  const samples = h("section", { class: "card", hidden: true, "aria-live": "polite" });

  async function load() {
    const { data } = await api.datasets();
    fill(body, data.map((set) => row(set, show)));
  }

  async function show(name) {
    const { data } = await api.samples(name, 0, SAMPLES);
    const figures = data.map(({ name: label, pixels }) => h("figure", { class: "thumb" }, thumbnail(pixels), h("figcaption", {}, label)));
    fill(samples, h("h2", {}, `The first test samples of ${name}`), h("div", { class: "strip" }, figures));
    samples.hidden = false;
  }

  const words = "A job names one of these as its data set; the last layer has one unit for each class.";
  fill(main, h("h1", {}, "Data sets"), h("p", { class: "lead" }, words), table, samples, maySubmit() && form(load));
  attempt(load);
  return () => {};
}

function row(set, show) {
  const known = set.test_samples > 0 && set.status === "ready";
  const name = known ? h("button", { type: "button", class: "quiet", onclick: () => attempt(() => show(set.name)) }, set.name) : set.name;
  const classes = set.classes ? `${set.classes.length}: ${set.classes.join(", ")}` : "";
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name),
    [set.source, set.status, classes].map((value) => h("td", {}, value)),
    [set.train_samples, set.test_samples].map((value) => h("td", { class: "num" }, count(value))),
  );
}

/** A form that uploads a file; `done()` is called afterwards. */
function form(done) {
  const name = h("input", { id: "set-name", required: true, placeholder: "shapes", autocomplete: "off" });
  const file = h("input", { id: "set-file", type: "file", required: true, accept: ".zip,.parquet" });
  const digits = h("input", { id: "set-digits", type: "checkbox" });
  const button = h("button", { class: "primary" }, "Upload");
  const wrong = h("p", { class: "trouble", role: "alert" });

  async function send(event) {
    event.preventDefault();
    say(wrong, "");
    button.disabled = true;
    try {
      await api.upload(name.value, file.files[0], digits.checked ? "mnist" : null);
      notice(`Data set ${name.value} is ready.`);
      await done();
    } catch (trouble) {
      say(wrong, trouble.message);
    }
    button.disabled = false;
  }

  return h(
    "form",
    { class: "card", onsubmit: send },
    h("h2", {}, "Upload a data set"),
    h("p", { class: "hint" }, "A zip with a folder of images for each class, or Parquet with the columns image and label."),
    h(
      "div",
      { class: "inline-form" },
      h("label", { for: "set-name" }, "Name", name),
      h("label", { for: "set-file" }, "File", file),
    ),
    h("label", { for: "set-digits", class: "choice" }, digits, "Bring the images into MNIST's form: for handwritten digits only"),
    wrong,
    h("div", { class: "actions" }, button),
  );
}
