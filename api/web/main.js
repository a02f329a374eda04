// Start: the session, the event stream, and the view that the address names.

import * as api from "./api.js";
import { fill, h } from "./dom.js";
import * as header from "./parts/header.js";
import { notice } from "./parts/notices.js";
import * as store from "./store.js";
import { follow } from "./stream.js";
import { compareView } from "./views/compare.js";
import { datasetsView } from "./views/datasets.js";
import { drawView } from "./views/draw.js";
import { jobView } from "./views/job.js";
import { jobsView } from "./views/jobs.js";
import { loginView } from "./views/login.js";
import { newView } from "./views/new.js";
import { sweepsView } from "./views/sweeps.js";

const AGAIN_MILLISECONDS = 2000;
const REFRESH_MILLISECONDS = 10_000; // maximum age of figures without events: ETA, workers
const VIEWS = { "": jobsView, new: newView, jobs: jobView, sweeps: sweepsView, datasets: datasetsView, draw: drawView, compare: compareView };
const main = document.getElementById("main");
let leave = () => {};
let following = false;
let loggingIn = false;

/** Show the view of the address: `#/jobs/ID` is view `jobs` with argument `ID`. */
function show() {
  leave();
  loggingIn = false;
  const [, view = "", argument] = location.hash.split("/").map(decodeURIComponent);
  const name = Object.hasOwn(VIEWS, view) ? view : "";
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
  if (store.link.session.keys && !store.link.session.name) logIn();
  else await enter();
}

function logIn() {
  if (loggingIn) return; // several requests may be refused at once while the user types the key
  loggingIn = true;
  leave();
  leave = loginView(main, async (session) => {
    if (following) return location.reload(); // the cached jobs may belong to another key
    loggingIn = false;
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
    heard: store.receive,
    lost: () => store.setLive(false),
  });
}

document.querySelector(".skip").addEventListener("click", (event) => {
  event.preventDefault(); // the address names the view
  main.focus();
});
api.whenUnauthenticated(logIn);
window.addEventListener("hashchange", () => {
  const isNew = !history.state?.visited; // going back keeps its scroll position, a new view begins at the top
  history.replaceState({ visited: true }, "");
  show();
  if (isNew) window.scrollTo(0, 0);
  main.focus({ preventScroll: true });
});
setInterval(() => document.visibilityState === "visible" && following && store.refreshSoon(), REFRESH_MILLISECONDS);
begin();
