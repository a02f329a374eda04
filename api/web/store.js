// The client-side cache: jobs, histories, recent rounds. Views subscribe to it.

import * as api from "./api.js";

/** Number of rounds cached per job, the newest. */
export const ROUNDS = 60;
const POINTS = 4000; // of a history: more than a chart has pixels
const PAGE = 100; // running jobs that are loaded
const LIST_MILLISECONDS = 700;

/** All jobs loaded so far, by id. */
export const jobs = new Map();
/** By a job's id its history, oldest point first: {step, loss, test_accuracy, validation_accuracy, seconds}. */
export const histories = new Map();
/** By a job's id its rounds reported so far, oldest first: {step, shards: [{shard, worker, seconds, retries}]}. */
export const rounds = new Map();
/** State of the connection to the service. */
export const link = {
  live: false, // whether the event stream is open
  cursors: {}, // by status ("" is any): cursor of the jobs older than those loaded, null at the end
  totals: {}, // number of jobs in the service by status: "", running, queued
  workers: null,
  trouble: null, // why the last refresh failed
  session: { keys: false, scopes: ["submit"] },
};

const listeners = new Set();
const pendingJobs = new Set(); // ids to load after the next refresh unless it brings them
let pending = null;

/** Call `listener(jobId or null, type)` after every change; returns a function that unsubscribes. */
export function subscribe(listener) {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

function notify(id, type) {
  for (const listener of listeners) listener(id, type);
}

/** Loaded jobs, newest first. */
export const newest = () => [...jobs.values()].sort((one, other) => other.created_at.localeCompare(one.created_at));

/** Whether the session may do more than read. */
export const maySubmit = () => !link.session.keys || link.session.scopes.some((scope) => scope !== "read");

/** Cache a job that the service returned. */
export function keep(job) {
  hold(job);
  notify(job.id, "job");
  return job;
}

function hold(job) {
  jobs.set(job.id, job);
  pendingJobs.delete(job.id);
}

/** Remove a job from the cache. */
export function forget(id) {
  for (const cache of [jobs, histories, rounds, pendingJobs]) cache.delete(id);
  notify(id, "deleted");
}

/** Record whether the event stream is open. */
export function setLive(live) {
  if (link.live === live) return;
  link.live = live;
  notify(null, "link");
}

/** Load the newest jobs, all running ones, the totals and the workers; older cached jobs stay. */
export async function refresh() {
  const requests = [api.jobs(), api.jobs({ status: "running", limit: PAGE }), api.jobs({ status: "queued", limit: 1 })];
  const results = await Promise.allSettled([...requests, api.workers()]);
  const [newestPage, running, queued, workers] = results.map((result) => result.value);
  const failed = results.find((result) => result.reason)?.reason;
  link.trouble = failed?.message ?? null;
  if (workers) link.workers = workers.data;
  if (running) running.data.forEach(hold);
  if (newestPage) takeNewest(newestPage);
  for (const [status, page] of Object.entries({ "": newestPage, running, queued }))
    if (page) link.totals[status] = page.total;
  notify(null, "list");
  if (failed) throw failed;
}

function takeNewest(page) {
  const present = new Set(page.data.map((job) => job.id));
  const oldest = page.has_more ? page.data.at(-1)?.created_at : ""; // undefined for an empty page: nothing is removed
  for (const job of jobs.values()) if (job.created_at > oldest && !present.has(job.id)) forget(job.id);
  page.data.forEach(hold);
  if (link.cursors[""] === undefined) link.cursors[""] = page.next;
}

/** Whether the service has older jobs with this status ("" is any) than those loaded. */
export const hasOlder = (status = "") => link.cursors[status] !== null;

/** Load the next page of older jobs with this status ("" is any). */
export async function older(status = "", limit = 50) {
  const page = await api.jobs({ status, limit, after: link.cursors[status] });
  page.data.forEach(hold);
  link.cursors[status] = page.next;
  notify(null, "list");
}

/** Load the jobs that the service finds for a query, and return its page: {data, next, total}. */
export async function find(query) {
  const page = await api.jobs(query);
  page.data.forEach(hold);
  return page;
}

/** Refresh soon, once for any number of calls, and load these jobs unless the refresh brings them. */
export function refreshSoon(...ids) {
  for (const id of ids) pendingJobs.add(id);
  pending ??= setTimeout(readAgain, LIST_MILLISECONDS);
}

async function readAgain() {
  pending = null;
  try {
    await refresh();
    await Promise.all([...pendingJobs].map(read));
  } catch {
    // jobs that could not be loaded stay pending until the next refresh
  }
}

/** Load one job; a deleted one is removed from the cache. */
export async function read(id) {
  try {
    return keep(await api.job(id));
  } catch (trouble) {
    if (trouble.code === "job_not_found") forget(id);
    throw trouble;
  }
}

/** Reload everything that may have changed while events were missed. */
export function catchUp() {
  for (const id of histories.keys()) loadHistory(id).catch(() => {});
  refreshSoon(...[...jobs.values()].filter((job) => !job.finished_at).map((job) => job.id));
}

/** Load the history of a job; events extend it from then on. */
export async function loadHistory(id) {
  histories.set(id, (await api.history(id)).data);
  notify(id, "history");
}

/** Load the rounds of an ended job that the page has not watched itself. */
export async function loadRounds(id) {
  if (rounds.has(id)) return;
  const steps = (await api.past(id)).filter(([type]) => type === "step");
  for (const [, { step, shards }] of steps) addRound(id, { step, shards });
  notify(id, "job");
}

/** Apply an event of the stream. */
export function receive(type, data) {
  if (type === "gap") catchUp();
  const job = jobs.get(data.job_id);
  if (job) EVENTS[type]?.(job, data);
  if (data.job_id && (type === "status" || !job)) refreshSoon(data.job_id);
  notify(data.job_id ?? null, type);
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
    addPoint(id, { step: data.step, loss, seconds: null });
  },
  evaluation(job, data) {
    const { job_id: id, ...point } = data;
    Object.assign(job.metrics, point);
    addPoint(id, { ...point, seconds: null });
  },
  retry(job) {
    job.retries += 1;
  },
};

function addRound(id, round) {
  const reported = rounds.get(id) ?? [];
  rounds.set(id, [...reported, round].slice(-ROUNDS));
}

function addPoint(id, point) {
  const points = histories.get(id);
  if (!points) return;
  const last = points.at(-1);
  if (last && last.step === point.step) Object.assign(last, defined(point));
  else if (!last || last.step < point.step) points.push(point);
  if (points.length > POINTS) histories.set(id, thinned(points));
}

/** Drop every second point that is no evaluation. */
const thinned = (points) => points.filter((point, at) => at % 2 || point.test_accuracy != null);

const defined = (point) => Object.fromEntries(Object.entries(point).filter(([, value]) => value !== null));
