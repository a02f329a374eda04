// Line charts: uPlot with the colors of the theme and the width of its container.

import { colour, fill, h } from "../dom.js";
import { loss, percent, tickPercent } from "../format.js";
import uPlot from "../vendor/uPlot.esm.js";

const HEIGHT = 220;
const WHOLE = [1, 2, 5].flatMap((first) => [1, 10, 100, 1e3, 1e4, 1e5, 1e6].map((power) => first * power)).sort((a, b) => a - b);

/** The stylesheet's colors for things shown side by side. */
export const INKS = ["ink-1", "ink-2", "ink-3", "ink-4", "ink-5", "ink-6"];

/** The chart of losses. */
export const lossChart = () => chart({ name: "Training loss", write: loss });

/** The chart of accuracies. */
export const accuracyChart = () => chart({ name: "Test accuracy", write: percent, tick: tickPercent });

/**
 * A chart. `show(data, lines, x)` draws `data` = [xs, ys, ...]; `lines` = [{label, ink, points, dash}] name the ys,
 * `x` the xs, `none` stands in place of a chart without points. `dispose` removes its listeners.
 */
function chart({ name, write, tick = plain }) {
  const place = h("div", { class: "plot" });
  const picture = h("div", { role: "img", "aria-label": `${name}: no values` }, place);
  const node = h("figure", { class: "chart" }, h("figcaption", {}, name), picture);
  let plot = null;
  let drawn = null; // what was shown last: {data, lines, x}

  function show(data, lines, x = "step", none = "Nothing measured yet.") {
    picture.setAttribute("aria-label", told(data, lines, x));
    const same = plot && data[0].length && JSON.stringify([lines, x]) === JSON.stringify([drawn.lines, drawn.x]);
    drawn = { data, lines, x, none };
    if (same) plot.setData(data);
    else build();
  }

  function build() {
    plot?.destroy();
    plot = null;
    fill(place);
    const { data, none, ...named } = drawn;
    if (data[0].length) plot = new uPlot(options(place.clientWidth, { write, tick, ...named }), data, place);
    else fill(place, h("p", { class: "empty" }, none));
  }

  function told([xs, ...ys], lines, x) {
    const ends = lines.map(({ label }, index) => {
      const known = ys[index].filter((value) => value != null);
      return known.length ? `${label} from ${write(known[0])} to ${write(known.at(-1))}` : `${label}: no values`;
    });
    return `${name} over ${xs.length} points of ${x}. ${ends.join("; ")}`;
  }

  const again = () => drawn && build();
  const sizes = new ResizeObserver(() => plot?.setSize({ width: place.clientWidth, height: HEIGHT }));
  sizes.observe(place);
  window.addEventListener("theme", again);
  const dispose = () => {
    sizes.disconnect();
    window.removeEventListener("theme", again);
    plot?.destroy();
  };
  return { node, show, dispose };
}

const plain = (value) => String(Number(value.toPrecision(4)));

function options(width, { x, write, tick, lines }) {
  const axis = {
    stroke: colour("soft"),
    grid: { stroke: colour("line"), width: 1 },
    ticks: { stroke: colour("line") },
  };
  const ys = lines.map((line) => ({
    label: line.label,
    stroke: colour(line.ink),
    width: 2,
    spanGaps: true,
    points: { show: Boolean(line.points), size: 5 },
    dash: line.dash,
    value: (_, value) => write(value),
  }));
  return {
    width,
    height: HEIGHT,
    series: [{ label: x }, ...ys],
    scales: { x: { time: false } },
    axes: [{ ...axis, ...(x === "step" && { incrs: WHOLE }) }, { ...axis, size: 64, values: (_, values) => values.map(tick) }],
    cursor: { sync: { key: "page" }, drag: { x: true, y: false } },
  };
}
