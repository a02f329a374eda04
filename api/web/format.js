// Numbers and times, formatted for reading.

const whole = new Intl.NumberFormat("en-GB", { maximumFractionDigits: 0 });
// en-GB would write 1.23m for a million.
const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumSignificantDigits: 3 });

/** Placeholder for a missing value. */
export const NOTHING = "–";

const shown = (write) => (value) => (value === null || value === undefined ? NOTHING : write(value));

/** A count in full: `79,510`. */
export const count = shown((value) => whole.format(value));

/** A size at a glance: `79.5K`. */
export const compact = shown((value) => (value < 1000 ? String(Number(value.toPrecision(3))) : short.format(value)));

/** A share as a figure: `84.40 %`. */
export const percent = shown((value) => `${(100 * value).toFixed(2)} %`);

/** A share as the tick of an axis: `84.4 %`, `90 %`. */
export const tickPercent = shown((value) => `${Number((100 * value).toFixed(1))} %`);

/** A loss, to four decimals. */
export const loss = shown((value) => (value < 1e5 ? value.toFixed(4) : value.toExponential(2)));

/** A figure over seeds: `89.10 % ± 0.40 %`. */
export const spread = ({ mean, std }, write) => (std == null ? write(mean) : `${write(mean)} ± ${write(std)}`);

/** A value or tangent, however small it is. */
export const number = shown((value) => {
  const size = Math.abs(value);
  return value !== 0 && (size < 1e-3 || size >= 1e5) ? value.toExponential(3) : value.toFixed(5);
});

/** Seconds as `0.4 s`, `12 s`, `3 min 05 s` or `2 h 10 min`. */
export const duration = shown((seconds) => {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const total = Math.round(seconds);
  const [hours, minutes] = [Math.floor(total / 3600), Math.floor((total % 3600) / 60)];
  if (hours) return `${whole.format(hours)} h ${String(minutes).padStart(2, "0")} min`;
  return minutes ? `${minutes} min ${String(total % 60).padStart(2, "0")} s` : `${total} s`;
});

/** Local time of day, with the date unless it is today. */
export const clock = shown((iso) => {
  const [at, today] = [new Date(iso), new Date()];
  const time = at.toLocaleTimeString("en-GB");
  if (at.toDateString() === today.toDateString()) return time;
  const year = at.getFullYear() === today.getFullYear() ? undefined : "numeric";
  return `${at.toLocaleDateString("en-GB", { day: "numeric", month: "short", year })}, ${time}`;
});

/** A size in memory: `512 kB`, `79 MB`. */
export const bytes = shown((value) =>
  value < 1e6 ? `${(value / 1e3).toFixed(0)} kB` : `${(value / 1e6).toFixed(0)} MB`,
);

/** A job's name, or its id when it has none. Characters that reverse the text after them are shown as a box. */
export const title = (job) => (job.name || job.id).replace(/[\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, "\ufffd");

/** Network and method in short: `144-20-10, per-parameter`. */
export function summary(spec) {
  const layers = spec.network.layers.map((layer) => layer.custom ?? layer.units);
  return `${[spec.dataset.image_size ** 2, ...layers].join("-")}, ${spec.gradient.method}`;
}

/** The unit of work of a job or an estimate, as [name, count]: passes, or evaluations for methods without passes. */
export const work = ({ passes, evaluations }) =>
  passes || !evaluations ? ["Passes", passes] : ["Evaluations", evaluations];

/** Running time of an ended job in seconds, null before. */
export function secondsTaken(job) {
  return job.finished_at ? job.duration_seconds : null;
}
