// Curves of jobs and of sweeps' cells, laid over each other for a chart.

import { title } from "../format.js";
import { INKS } from "./chart.js";

/** The axes that curves can be drawn over: words, the x of a job's point, the x of a cell's mean point. */
export const XS = {
  step: ["step", (point) => point.step],
  elapsed: ["seconds of training", (point) => point.seconds],
  passes: ["passes or evaluations", (point) => point.passes || point.evaluations],
};

/** The curve of a job: {label, points: [[x, y]]}. */
export function jobCurve(job, history, field, across) {
  const points = history.map((point) => [across(point), point[field]]).filter(([x, y]) => x != null && y != null);
  return { label: `${title(job)} (${job.spec.gradient.method})`, points };
}

/** The curve of a sweep's cell: its mean, with the standard deviation on both sides where it is known. */
export function cellCurve(label, history, field, across) {
  const points = history.map((point) => {
    const { mean, std } = point[field] ?? {};
    return [across(means(point)), mean, std == null ? null : mean - std, std == null ? null : mean + std];
  });
  return { label, band: true, points: points.filter(([x, y]) => x != null && y != null) };
}

/** A mean point as if it were a job's. */
function means(point) {
  const value = (name) => point[name]?.mean;
  return { step: point.step, seconds: value("seconds"), passes: value("passes"), evaluations: value("evaluations") };
}

/**
 * One axis for all curves: [data, lines] for a chart. Where a curve has no point its line spans the gap. `smoothing`
 * from 0 to 1 weighs the values before.
 */
export function overlay(curves, dots, smoothing = 0) {
  const maps = curves.map(({ points }) => new Map(smoothed(points, smoothing).map(([x, ...ys]) => [x, ys])));
  const xs = [...new Set(maps.flatMap((map) => [...map.keys()]))].sort((one, other) => one - other);
  const column = (map, index) => xs.map((x) => map.get(x)?.[index] ?? null);
  const data = [xs];
  const lines = [];
  curves.forEach(({ label, band }, index) => {
    const ink = INKS[index % INKS.length];
    lines.push({ label, ink, points: dots, dash: index >= INKS.length ? [4, 4] : undefined });
    data.push(column(maps[index], 0));
    if (!band) return;
    for (const edge of [1, 2]) {
      lines.push({ label: `${label}, edge`, ink, edge: true });
      data.push(column(maps[index], edge));
    }
  });
  return [data, lines];
}

function smoothed(points, weight) {
  if (!weight) return points;
  let before = null;
  return points.map(([x, y, low, high]) => {
    before = before === null ? y : weight * before + (1 - weight) * y;
    return [x, before, low == null ? null : low + before - y, high == null ? null : high + before - y];
  });
}
