// Asks for an API key, where the server needs one.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";

/** Show the form; `entered(session)` is called when the key is known. */
export function loginView(main, entered) {
  const wrong = h("p", { class: "trouble", role: "alert" });
  const key = h("input", {
    id: "key",
    type: "password",
    autocomplete: "current-password",
    required: true,
    spellcheck: "false",
  });
  const form = h(
    "form",
    { class: "card narrow", onsubmit: enter },
    h("h1", {}, "Log in"),
    h("p", {}, "This server asks for an API key. Whoever runs it has one for you; it is sent once and not kept here."),
    h("label", { for: "key" }, "API key"),
    key,
    wrong,
    h("button", { type: "submit", class: "primary" }, "Log in"),
  );

  async function enter(event) {
    event.preventDefault();
    try {
      entered(await api.logIn(key.value.trim()));
    } catch (trouble) {
      const unknown = trouble.code === "unauthenticated";
      say(wrong, unknown ? `${trouble.message}. Look whether the key is whole.` : trouble.message);
      key.focus();
    }
  }

  fill(main, form);
  key.focus();
  return () => {};
}
