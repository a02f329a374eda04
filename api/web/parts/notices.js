// Short messages at the foot of the page; a screen reader says them.

import { h } from "../dom.js";

const SHOWN_MILLISECONDS = 8000;

/** Show a message for a while. */
export function notice(message) {
  const close = h(
    "button",
    { type: "button", class: "quiet", "aria-label": "Dismiss", onclick: () => box.remove() },
    "×",
  );
  const box = h("div", { class: "notice" }, h("span", {}, message), close);
  document.getElementById("notices").append(box);
  setTimeout(() => box.remove(), SHOWN_MILLISECONDS);
}

/** Do something that may fail, and say why when it does. */
export async function attempt(work) {
  try {
    return await work();
  } catch (trouble) {
    notice(trouble.message);
    return null;
  }
}
