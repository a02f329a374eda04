// Start: who is there, the stream of events, and the view that the address names.

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import * as header from "./parts/header.js";
import { notice } from "./parts/notices.js";
import * as store from "./store.js";
import { follow } from "./stream.js";
import { compareView } from "./views/compare.js";
import { drawView } from "./views/draw.js";
import { jobView } from "./views/job.js";
import { jobsView } from "./views/jobs.js";
import { loginView } from "./views/login.js";
import { newView } from "./views/new.js";

const AGAIN_MILLISECONDS = 2000;
const REFRESH_MILLISECONDS = 10_000; // figures of which no event tells, as ETA and workers, are at most so old
const VIEWS = { "": jobsView, new: newView, jobs: jobView, draw: drawView, compare: compareView };
const main = document.getElementById("main");
let leave = () => {};
let following = false;
let asking = false; // for a key

/** Show the view of the address: `#/jobs/ID` is view `jobs` with argument `ID`. */
function show() {
  leave();
  asking = false;
  const [, wanted = "", argument] = location.hash.split("/").map(decodeURIComponent);
  const name = Object.hasOwn(VIEWS, wanted) ? wanted : "";
  mark(name, argument);
  fill(main);
  leave = VIEWS[name](main, argument);
}

function mark(name, argument) {
  for (const link of document.querySelectorAll("#nav a")) {
    const here = link.getAttribute("href") === `#/${name === "jobs" ? "" : name}`;
    link.ariaCurrent = here ? "page" : null;
    if (here) document.title = `${argument || link.textContent} · dualtrain`;
  }
}

async function begin() {
  try {
    store.link.session = await api.session();
  } catch (trouble) {
    fill(main, h("p", { class: "trouble", role: "alert" }, trouble.message));
    setTimeout(begin, AGAIN_MILLISECONDS);
    return;
  }
  header.show();
  if (store.link.session.keys && !store.link.session.name) ask();
  else await enter();
}

function ask() {
  if (asking) return; // several requests may be refused at once, and somebody may be typing the key
  asking = true;
  leave();
  leave = loginView(main, async (session) => {
    if (following) return location.reload(); // what is known and followed may be somebody else's
    asking = false;
    store.link.session = session;
    header.show();
    return enter();
  });
}

async function enter() {
  try {
    await store.refresh();
  } catch (trouble) {
    notice(trouble.message);
  }
  if (!following) start();
  show();
}

function start() {
  following = true;
  let first = true;
  follow({
    opened() {
      store.setLive(true);
      if (first) store.refreshSoon();
      else store.catchUp();
      first = false;
    },
    heard: store.heard,
    lost: () => store.setLive(false),
  });
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view
  main.focus();
});
api.whenStranger(ask);
window.addEventListener("hashchange", () => {
  show();
  main.focus();
});
setInterval(() => document.visibilityState === "visible" && following && store.refreshSoon(), REFRESH_MILLISECONDS);
begin();
