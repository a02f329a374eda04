// The draft: the values that were entered, kept in this tab until they are submitted.

import { FIELDS } from "./fields.js";
import { reader, set } from "./paths.js";

const KEY = "dualtrain-draft";

/** Return the draft of this tab, an empty one if there is none. */
export function restore() {
  try {
    return JSON.parse(sessionStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

/** Store the draft for this tab. */
export const save = (draft) => sessionStorage.setItem(KEY, JSON.stringify(draft));

/** The draft without the fields that do not belong to the chosen method, optimizer or schedule. */
export function cleaned(draft, standard) {
  const spec = structuredClone(draft);
  const value = reader(spec, standard);
  for (const { path, when } of FIELDS) if (!when(value)) set(spec, path, undefined);
  prune(spec);
  return spec;
}

function prune(part) {
  for (const [name, value] of Object.entries(part)) {
    if (value && typeof value === "object" && !Array.isArray(value) && !Object.keys(prune(value)).length)
      delete part[name];
  }
  return part;
}
