// The result of a dry run.

import { h } from "../dom.js";
import { bytes, compact, count, duration, work } from "../format.js";

/** The figures of a dry run, and how they were chosen. */
export function estimate(dryRun) {
  const [made, number] = work(dryRun);
  const rows = [
    ["Parameters", count(dryRun.parameters)],
    ["Steps", count(dryRun.total_steps)],
    [made, compact(number)],
    ["Shards per round", count(dryRun.shards)],
    ["Memory per worker", bytes(dryRun.memory_bytes)],
    ["Estimated time", duration(dryRun.estimated_seconds)],
  ];
  const reasons = dryRun.reasons.map((reason) => h("li", {}, reason));
  return [
    h(
      "dl",
      { class: "facts" },
      rows.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
    ),
    h("details", {}, h("summary", {}, "How this was chosen"), h("ul", {}, reasons)),
  ];
}
