// Short messages at the foot of the page, announced by screen readers.

import { h } from "../dom.js";

const SHOWN_MILLISECONDS = 8000;

/** Show a message for a while, with a button for `undo` if it is given. */
export function notice(message, undo) {
  const close = h(
    "button",
    { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => box.remove() },
    "×",
  );
  const act = () => {
    undo();
    box.remove();
  };
  const again = h("button", { type: "button", class: "quiet", onclick: act }, "Undo");
  const box = h("div", { class: "notice" }, h("span", {}, message), undo && again, close);
  document.getElementById("notices").append(box);
  setTimeout(() => box.remove(), SHOWN_MILLISECONDS);
}

/** Run something that may fail, and show the error when it does. */
export async function attempt(work) {
  try {
    return await work();
  } catch (trouble) {
    notice(trouble.message);
    return null;
  }
}
