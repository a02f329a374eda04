// Values inside a document by dotted paths: `optimizer.schedule.name`.

/** The value at a path, undefined where there is none. */
export function get(document, path) {
  return path.split(".").reduce((part, name) => part?.[name], document);
}

/** Set the value at a path; undefined takes it out. */
export function set(document, path, value) {
  const names = path.split(".");
  const last = names.pop();
  const part = names.reduce((one, name) => (one[name] ??= {}), document);
  if (value === undefined) delete part[last];
  else part[last] = value;
}

/** A function of paths: the draft's value, where it has none the default. */
export const reader = (draft, standard) => (path) => get(draft, path) ?? get(standard, path);

/** JSON pointer of the service (`/optimizer/name`) as a path. */
export const fromPointer = (pointer) => pointer.replace(/^#?\//, "").replaceAll("/", ".");
