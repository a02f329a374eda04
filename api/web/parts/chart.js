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
 * A chart. `show(data, lines, x)` draws `data` = [xs, ys, ...]; `lines` = [{label, ink, points, dash, edge}] name the
 * ys, `x` the xs, `none` stands in place of a chart without points, `log` is for a logarithmic axis. Two edges after a
 * line bound its band. `dispose` removes its listeners.
 */
function chart({ name, write, tick = plain }) {
  const place = h("div", { class: "plot" });
  const picture = h("div", { role: "img", "aria-label": `${name}: no values` }, place);
  const node = h("figure", { class: "chart" }, h("figcaption", {}, name), picture);
  let plot = null;
  let drawn = null; // what was shown last: {data, lines, x}

  function show(data, lines, x = "step", none = "Nothing measured yet.", log = false) {
    picture.setAttribute("aria-label", told(data, lines, x));
    const same = plot && data[0].length && JSON.stringify([lines, x, log]) === JSON.stringify([drawn.lines, drawn.x, drawn.log]);
    drawn = { data, lines, x, none, log };
    if (same) plot.setData(data);
    else build();
    if (plot) newestValues(plot);
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
    const ends = lines.flatMap(({ label, edge }, index) => {
      if (edge) return [];
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

const translucent = (ink) => colour(ink).replace("rgb(", "rgba(").replace(")", ", 0.18)");

/** Show the values at the end of the curves in the legend, while the pointer is elsewhere. */
function newestValues(plot) {
  if (plot.cursor.idx == null) plot.setLegend({ idx: plot.data[0].length - 1 }, false);
}

function options(width, { x, write, tick, lines, log }) {
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
    ...(line.edge && { width: 0, class: "edge", points: { show: false } }),
  }));
  // Series 0 are the xs, so that of a line is its index + 1.
  const bands = lines.flatMap((line, index) =>
    line.edge && lines[index + 1]?.edge ? [{ series: [index + 2, index + 1], fill: translucent(line.ink) }] : [],
  );
  return {
    width,
    height: HEIGHT,
    series: [{ label: x }, ...ys],
    bands,
    scales: { x: { time: false }, y: { distr: log ? 3 : 1 } },
    hooks: { setCursor: [newestValues] },
    axes: [{ ...axis, ...(x === "step" && { incrs: WHOLE }) }, { ...axis, size: 64, values: (_, values) => values.map((value) => (value === null ? null : tick(value))) }],
    cursor: { sync: { key: "page" }, drag: { x: true, y: false } },
  };
}
