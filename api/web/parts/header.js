// The right end of the bar: connection, workers, theme, log-out.

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

/** Build it for the current session. */
export function show() {
  stop();
  const theme = h("button", { type: "button", class: "quiet", onclick: turn, "aria-label": "Theme" }, "◐");
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
  return workers ? `${workers} ${workers === 1 ? "worker" : "workers"}` : "no worker is running; jobs wait";
}

function leaving() {
  if (!link.session.name) return null;
  const out = () => attempt(api.logOut).then(() => location.reload());
  return h("button", { type: "button", class: "quiet", onclick: out }, `Log out ${link.session.name}`);
}

/** The next theme: first the opposite of the system's, then the system's own, then whatever the system has. */
function turn({ currentTarget: button }) {
  const order = systemDark.matches ? ["light", "dark", null] : ["dark", "light", null];
  const next = order[(order.indexOf(localStorage.getItem("theme")) + 1) % order.length];
  if (next) localStorage.setItem("theme", next);
  else localStorage.removeItem("theme");
  button.title = `Theme: ${next ?? "as the system"}`;
  setTheme(next);
}

function setTheme(theme) {
  if (theme) document.documentElement.dataset.theme = theme;
  else delete document.documentElement.dataset.theme;
  window.dispatchEvent(new Event("theme"));
}
