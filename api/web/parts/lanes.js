// The shards of the recent rounds: one lane per worker, one column per round, one box per shard.

import { fill, h, say } from "../dom.js";
import { rounds, ROUNDS } from "../store.js";
import { INKS } from "./chart.js";

const WIDTH = 960;
const LANE = 56;
const GAP = 8;
const COLUMN = WIDTH / ROUNDS;

/** The lanes of a job. A taller box took longer; a red frame marks a shard that was sent again. */
export function lanes(id) {
  const picture = h("svg", {
    class: "lanes",
    role: "img",
    "aria-label": "Shards of the newest rounds, by worker",
    preserveAspectRatio: "none",
    hidden: true,
  });
  const names = h("div", { class: "lane-names", "aria-hidden": "true" });
  const words = h("p", { class: "soft" });
  const node = h(
    "section",
    { class: "card" },
    h("h2", {}, "Shards by worker"),
    h(
      "p",
      { class: "hint" },
      "A round is one gradient; it is cut into shards, which workers compute in parallel. Each column is a round, the newest at the right. " +
        "Each box is a shard; taller means slower, the color tells its number. A red frame marks one that was sent again. " +
        "At most five rounds per second are shown.",
    ),
    h("div", { class: "lane-box" }, names, picture),
    words,
  );

  function update(job) {
    const recorded = rounds.get(id) ?? [];
    const workers = [...new Set(recorded.flatMap((round) => round.shards.map((shard) => shard.worker)))].sort();
    say(words, workers.length ? sentence(recorded.at(-1)) : job.finished_at ? "No rounds were recorded." : "Appears while the job runs.");
    if (workers.length) draw(picture, names, recorded, workers);
  }
  return { node, update: (job, type) => (type === "step" || type === "job") && update(job) };
}

function draw(picture, names, recorded, workers) {
  const times = recorded.map((round) => workers.map((worker) => sum(of(round, worker))));
  const longest = quantile(times.flat(), 0.95) || 1;
  const height = workers.length * (LANE + GAP);
  picture.removeAttribute("hidden");
  picture.setAttribute("viewBox", `0 0 ${WIDTH} ${height}`);
  picture.style.height = `${height}px`;
  const floors = workers.map((_, lane) =>
    h("line", { class: "floor", x1: 0, x2: WIDTH, y1: foot(lane), y2: foot(lane) }),
  );
  const boxes = recorded.flatMap((round, index) => {
    const x = WIDTH - (recorded.length - index) * COLUMN;
    return workers.flatMap((worker, lane) => stack(round, of(round, worker), x, foot(lane), longest));
  });
  fill(picture, floors, boxes);
  fill(
    names,
    workers.map((worker) => h("span", {}, worker)),
  );
}

const foot = (lane) => (lane + 1) * (LANE + GAP) - GAP;
const of = (round, worker) => round.shards.filter((shard) => shard.worker === worker);
const sum = (shards) => shards.reduce((total, shard) => total + shard.seconds, 0);

/** What a worker did in a round, as boxes over each other. */
function stack(round, shards, x, floor, longest) {
  let y = floor;
  return shards.map((shard) => {
    const height = Math.max(2, Math.min(LANE / shards.length, (shard.seconds / longest) * LANE));
    y -= height;
    return box(round, shard, { x: x + 1, y, width: COLUMN - 2, height, rx: 1.5 });
  });
}

function box(round, { shard, seconds, retries }, shape) {
  const words = `step ${round.step}, shard ${shard}: ${milliseconds(seconds)}`;
  const again = retries ? `, sent again ${retries} times` : "";
  const kind = `shard ${INKS[shard % INKS.length]}${retries ? " again" : ""}`;
  return h("rect", { ...shape, class: kind }, h("title", {}, words + again));
}

function sentence(round) {
  const parts = round.shards.map(
    (shard) => `shard ${shard.shard} by ${shard.worker} in ${milliseconds(shard.seconds)}`,
  );
  const some = parts.slice(0, 4).join(", ") + (parts.length > 4 ? ` and ${parts.length - 4} more` : "");
  const again = round.shards.filter((shard) => shard.retries).length;
  return `Step ${round.step}: ${some}.${again ? ` ${again} sent again.` : ""}`;
}

const milliseconds = (seconds) => `${(1000 * seconds).toFixed(seconds < 0.01 ? 2 : 0)} ms`;

function quantile(values, share) {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.floor((sorted.length - 1) * share)];
}
