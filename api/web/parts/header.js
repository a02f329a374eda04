// The right end of the bar: connection, workers, theme, who is logged in.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";
import { link, subscribe } from "../store.js";
import { attempt } from "./notices.js";

const box = document.getElementById("status");
const dot = h("span", { class: "dot" });
const words = h("span", { class: "words" });
const systemDark = matchMedia("(prefers-color-scheme: dark)");
let stop = () => {};

setTheme(localStorage.getItem("theme"));
systemDark.addEventListener("change", () => window.dispatchEvent(new Event("theme")));

/** Build it for the present session. */
export function show() {
  stop();
  const theme = h("button", { type: "button", class: "quiet", onclick: turn, "aria-label": "Light or dark" }, "◐");
  fill(box, h("span", { class: "link", role: "status" }, dot, words), theme, leaving());
  stop = subscribe(draw);
  draw();
}

function draw() {
  dot.classList.toggle("live", link.live && !link.trouble);
  say(words, state());
  words.title = link.trouble ?? "";
}

function state() {
  if (!link.live) return "reconnecting…";
  return link.trouble ? "not up to date" : working(link.workers?.length);
}

function working(workers) {
  if (workers === undefined) return "live";
  return workers ? `${workers} ${workers === 1 ? "worker" : "workers"}` : "no worker runs; jobs wait";
}

function leaving() {
  if (!link.session.name) return null;
  const out = () => attempt(api.logOut).then(() => location.reload());
  return h("button", { type: "button", class: "quiet", onclick: out }, `Log out ${link.session.name}`);
}

function turn() {
  const present = localStorage.getItem("theme") ?? (systemDark.matches ? "dark" : "light");
  const next = present === "dark" ? "light" : "dark";
  localStorage.setItem("theme", next);
  setTheme(next);
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  window.dispatchEvent(new Event("theme"));
}
