// What a job would take, as the service measured it.

import { h } from "../dom.js";
import { bytes, compact, count, duration, work } from "../format.js";

/** The figures of a dry run, and why they are so. */
export function estimate(found) {
  const [made, number] = work(found);
  const rows = [
    ["Parameters", count(found.parameters)],
    ["Steps", count(found.total_steps)],
    [made, compact(number)],
    ["Shards a round", count(found.shards)],
    ["Memory a worker", bytes(found.memory_bytes)],
    ["Time, about", duration(found.estimated_seconds)],
  ];
  const reasons = found.reasons.map((reason) => h("li", {}, reason));
  return [
    h(
      "dl",
      { class: "facts" },
      rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    h("details", {}, h("summary", {}, "Why so"), h("ul", {}, reasons)),
  ];
}
