// Data sets of the service, loaded once each.

import * as api from "./api.js";

const loaded = new Map();

/** A promise of a data set: {name, classes, train_samples, test_samples}; null where it cannot be loaded. */
export function dataset(name) {
  if (!loaded.has(name)) loaded.set(name, load(name));
  return loaded.get(name);
}

async function load(name) {
  const info = await api.dataset(name).catch(() => null);
  if (!info?.classes) loaded.delete(name); // try again the next time
  return info;
}

/** A promise of the class names of a data set; numbers where only their count is known. */
export async function classNames(name, count) {
  const classes = (await dataset(name))?.classes;
  return classes?.length === count || (classes && !count) ? classes : Array.from({ length: count ?? 10 }, (_, i) => `${i}`);
}
