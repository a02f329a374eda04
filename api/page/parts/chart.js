// Line charts: uPlot with the colours of the theme and the width of its place.

import { colour, fill, h } from "../dom.js";
import uPlot from "../vendor/uPlot.esm.js";

const HEIGHT = 220;
export const INKS = ["ink-1", "ink-2", "ink-3", "ink-4", "ink-5", "ink-6"];

/**
 * A chart. `show(data, lines, x)` draws `data` = [xs, ys, ...]; `lines` = [{label, ink, points}] name the ys, `x` the xs.
 * `dispose` takes it out of the page's listeners.
 */
export function chart({ name, write, tick = plain }) {
  const place = h("div", { class: "plot" });
  const picture = h("div", { role: "img", "aria-label": `${name}: nothing yet` }, place);
  const node = h("figure", { class: "chart" }, h("figcaption", {}, name), picture);
  let plot = null;
  let drawn = { data: null, lines: null, key: "" };

  function show(data, lines, x = "step") {
    const key = JSON.stringify([lines, x]);
    picture.setAttribute("aria-label", told(data, lines, x));
    if (plot && key === drawn.key) plot.setData(data);
    drawn = { data, lines, x, key: plot && key === drawn.key ? key : "" };
    if (!drawn.key) build(key);
  }

  function build(key) {
    plot?.destroy();
    plot = null;
    if (!drawn.data?.[0].length) return fill(place, h("p", { class: "empty" }, "Nothing measured yet."));
    fill(place);
    drawn.key = key;
    plot = new uPlot(options(place.clientWidth, { write, tick, ...drawn }), drawn.data, place);
    return null;
  }

  function told([xs, ...ys], lines, x) {
    const ends = lines.map(({ label }, index) => {
      const known = ys[index].filter((value) => value != null);
      return known.length ? `${label} from ${write(known[0])} to ${write(known.at(-1))}` : `${label}: nothing yet`;
    });
    return `${name} over ${xs.length} points of ${x}. ${ends.join("; ")}`;
  }

  const again = () => drawn.data && build(JSON.stringify([drawn.lines, drawn.x]));
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
    axes: [axis, { ...axis, size: 64, values: (_, values) => values.map(tick) }],
    cursor: { sync: { key: "page" }, drag: { x: true, y: false } },
  };
}
