// Log-in form, on servers with API keys.

import * as api from "../api.js";
import { fill, h, say } from "../dom.js";

/** Show the form; `entered(session)` is called after a log-in. */
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
    h("p", {}, "This server requires an API key; its operator issues them. The key is sent once and is not stored in this browser."),
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
      say(wrong, unknown ? `${trouble.message}. Check that you pasted the whole key.` : trouble.message);
      key.focus();
    }
  }

  fill(main, form);
  key.focus();
  return () => {};
}
