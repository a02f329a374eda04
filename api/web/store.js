// What the page knows: jobs, histories, the newest rounds. Views subscribe; nobody else asks twice.

import * as api from "./api.js";

/** So many rounds of a job are kept, the newest. */
export const ROUNDS = 60;
const POINTS = 4000; // of a history: more than a chart has pixels
const LIST_MILLISECONDS = 700;

/** All jobs that were read, by id. */
export const jobs = new Map();
/** By a job's id its history, oldest point first: {step, loss, test_accuracy, validation_accuracy, elapsed_seconds}. */
export const histories = new Map();
/** By a job's id its rounds that were told of, oldest first: {step, shards: [{shard, worker, seconds, retries}]}. */
export const rounds = new Map();
/** How the page stands with the service. */
export const link = {
  live: false, // whether the stream of events is open
  next: null, // the cursor of the jobs that are older than those read
  paged: false, // whether older ones were asked for: then `next` is not the newest page's any more
  workers: null,
  trouble: null, // why the last reading of list or workers failed
  session: { keys: false, scopes: ["submit"] },
};

const listeners = new Set();
const asked = new Set(); // jobs to be read after the next list unless they are on it: until they are kept or forgotten
let pending = null;

/** Call `listener(jobId or null, type)` after every change; returns how to stop that. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function tell(id, type) {
  for (const listener of listeners) listener(id, type);
}

/** Jobs, newest first. */
export const newest = () => [...jobs.values()].sort((one, other) => other.created_at.localeCompare(one.created_at));

/** Whether who is logged in may do more than read. */
export const maySubmit = () => !link.session.keys || link.session.scopes.some((scope) => scope !== "read");

/** Take a job as the service told it. */
export function keep(job) {
  hold(job);
  tell(job.id, "job");
  return job;
}

function hold(job) {
  jobs.set(job.id, job);
  asked.delete(job.id);
}

/** Drop all that is known of a job. */
export function forget(id) {
  for (const known of [jobs, histories, rounds, asked]) known.delete(id);
  tell(id, "deleted");
}

/** Take note of whether the stream of events is open. */
export function setLive(live) {
  if (link.live === live) return;
  link.live = live;
  tell(null, "link");
}

/** Read the newest jobs and the workers; older jobs that are known stay. */
export async function refresh() {
  const [page, alive] = await Promise.allSettled([api.jobs(), api.workers()]);
  link.trouble = (page.reason ?? alive.reason)?.message ?? null;
  if (alive.value) link.workers = alive.value.data;
  if (page.value) take(page.value);
  tell(null, "list");
  if (page.reason) throw page.reason;
}

function take(page) {
  const present = new Set(page.data.map((job) => job.id));
  const oldest = page.has_more ? page.data.at(-1)?.created_at : ""; // of an empty page unknown: then nothing goes
  for (const job of jobs.values()) if (job.created_at > oldest && !present.has(job.id)) forget(job.id);
  page.data.forEach(hold);
  if (!link.paged) link.next = page.next;
}

/** Read the next page of older jobs. */
export async function older() {
  const page = await api.jobs(link.next);
  page.data.forEach(hold);
  Object.assign(link, { next: page.next, paged: true });
  tell(null, "list");
}

/** Read the list soon, once for however many reasons, and these jobs where they are not on it. */
export function refreshSoon(...ids) {
  for (const id of ids) asked.add(id);
  pending ??= setTimeout(readAgain, LIST_MILLISECONDS);
}

async function readAgain() {
  pending = null;
  try {
    await refresh();
    await Promise.all([...asked].map(read));
  } catch {
    // what could not be read stays asked for until the next time
  }
}

/** Read one job; one that is gone is forgotten. */
export async function read(id) {
  try {
    return keep(await api.job(id));
  } catch (trouble) {
    if (trouble.code === "job_not_found") forget(id);
    throw trouble;
  }
}

/** Read everything anew that may have changed while nobody told of it. */
export function catchUp() {
  for (const id of histories.keys()) loadHistory(id).catch(() => {});
  refreshSoon(...[...jobs.values()].filter((job) => !job.finished_at).map((job) => job.id));
}

/** Read the history of a job; from then on its events carry it on. */
export async function loadHistory(id) {
  histories.set(id, (await api.history(id)).data);
  tell(id, "history");
}

/** Read the rounds of an ended job that the page has not seen itself. */
export async function loadRounds(id) {
  if (rounds.has(id)) return;
  const steps = (await api.past(id)).filter(([type]) => type === "step");
  for (const [, { step, shards }] of steps) addRound(id, { step, shards });
  tell(id, "job");
}

/** Take an event of the stream. */
export function heard(type, data) {
  if (type === "gap") catchUp();
  const job = jobs.get(data.job_id);
  if (job) EVENTS[type]?.(job, data);
  if (data.job_id && (type === "status" || !job)) refreshSoon(data.job_id);
  tell(data.job_id ?? null, type);
}

const EVENTS = {
  status(job, data) {
    Object.assign(job, { status: data.status, status_reason: data.reason });
  },
  step(job, data) {
    const { job_id: id, loss, shards, ...progress } = data;
    Object.assign(job.progress, progress);
    job.metrics.loss = loss;
    addRound(id, { step: data.step, shards });
    addPoint(id, { step: data.step, loss, elapsed_seconds: null });
  },
  evaluation(job, data) {
    const { job_id: id, ...point } = data;
    Object.assign(job.metrics, point);
    addPoint(id, { ...point, elapsed_seconds: null });
  },
  retry(job) {
    job.retries += 1;
  },
};

function addRound(id, round) {
  const told = rounds.get(id) ?? [];
  told.push(round);
  rounds.set(id, told.slice(-ROUNDS));
}

function addPoint(id, point) {
  const points = histories.get(id);
  if (!points) return;
  const last = points.at(-1);
  if (last && last.step === point.step) Object.assign(last, defined(point));
  else if (!last || last.step < point.step) points.push(point);
  if (points.length > POINTS) histories.set(id, thinned(points));
}

/** Half of the points that are no evaluations. */
const thinned = (points) => points.filter((point, at) => at % 2 || point.test_accuracy != null);

const defined = (point) => Object.fromEntries(Object.entries(point).filter(([, value]) => value !== null));
