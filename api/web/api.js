// Requests to the service. A failed request throws a Trouble, whose message is shown to the user.

/** A failed request: `code` is the problem's stable code, `faults` its list of invalid fields. */
class Trouble extends Error {
  constructor(message, code = "offline", faults = []) {
    super(message);
    this.code = code;
    this.faults = faults;
  }
}

let onUnauthenticated = () => {};

/** Call `listener` whenever a request is refused for want of a valid API key. */
export function whenUnauthenticated(listener) {
  onUnauthenticated = listener;
}

async function request(path, options = {}) {
  let response;
  try {
    response = await fetch(path, options);
  } catch {
    throw new Trouble("The service cannot be reached. The page reconnects by itself.");
  }
  if (response.ok) return response;
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401 && path !== "/v1/session") onUnauthenticated();
  throw new Trouble(
    problem.detail || problem.title || `The service returned status ${response.status}.`,
    problem.code,
    problem.errors,
  );
}

const json = async (path, options) => (await request(path, options)).json();
const jobPath = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

function post(path, value, headers = {}) {
  const all = { "Content-Type": "application/json", ...headers };
  return json(path, { method: "POST", body: JSON.stringify(value), headers: all });
}

// One function for each call of the API; each returns the decoded response, `weights` an image.
export const session = () => json("/v1/session");
export const logIn = (key) => post("/v1/session", { key });
export const logOut = () => request("/v1/session", { method: "DELETE" });
export const workers = () => json("/v1/workers");
export const aliases = () => json("/v1/aliases");

/** A page of jobs, newest first: {data, next, total}. `query` may have limit, after, status, sort, q and other filters. */
export function jobs(query = {}) {
  const given = Object.entries({ limit: 50, ...query }).filter(([, value]) => value);
  return json(`/v1/jobs?${new URLSearchParams(given)}`);
}

/** Act on all jobs that fit a filter: {matched, changed, skipped}; `dry_run` only counts. */
export const act = (action, filter, dry_run = false) => post("/v1/jobs/actions", { action, filter, dry_run });

const sweepPath = (id) => `/v1/sweeps/${encodeURIComponent(id)}`;
export const sweeps = (after) => json(`/v1/sweeps?limit=50${after ? `&after=${encodeURIComponent(after)}` : ""}`);
export const sweep = (id) => json(sweepPath(id));
export const sweepHistory = (id) => json(`${sweepPath(id)}/history`);
export const moveSweep = (id, verb) => json(`${sweepPath(id)}/${verb}`, { method: "POST" });
export const removeSweep = (id) => request(sweepPath(id), { method: "DELETE" });
export const submitSweep = (spec, key) => post("/v1/sweeps", spec, { "Idempotency-Key": key });
export const sweepSize = (spec) => post("/v1/sweeps?dry_run=true", spec);

export const job = (id) => json(jobPath(id));
export const history = (id) => json(`${jobPath(id)}/history`);
export const evaluation = (id) => json(`${jobPath(id)}/evaluation`);
export const remove = (id) => request(jobPath(id), { method: "DELETE" });
export const trace = (id, direction) => post(`${jobPath(id)}/trace`, direction);
export const estimate = (spec) => post("/v1/jobs?dry_run=true", spec);
export const weights = async (id, layer) => (await request(`${jobPath(id)}/weights.png?layer=${layer}`)).blob();
export const datasets = () => json("/v1/datasets");
/** Upload a data set; `preprocessing` may be "mnist". */
export function upload(name, file, preprocessing) {
  const query = preprocessing ? `?preprocessing=${preprocessing}` : "";
  const headers = { "Content-Type": "application/octet-stream" };
  return json(`/v1/datasets/${encodeURIComponent(name)}${query}`, { method: "PUT", body: file, headers });
}
export const dataset = (name) => json(`/v1/datasets/${name}`);
export const samples = (name, first, limit) => json(`/v1/datasets/${name}/samples?first=${first}&limit=${limit}`);

/** Change a job's status: `verb` is pause, resume or cancel. */
export const move = (id, verb) => json(`${jobPath(id)}/${verb}`, { method: "POST" });

/** The stored events of an ended job, as [type, data]: its stream replays them and ends. */
export async function past(id) {
  const text = await (await request(`${jobPath(id)}/events`)).text();
  return [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, type, data]) => [type, JSON.parse(data)]);
}

/** A random idempotency key; `crypto.randomUUID` exists on HTTPS and localhost only. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Submit a job; sending the same `key` again cannot make a second one. */
export function submit(spec, key) {
  return post("/v1/jobs", spec, { "Idempotency-Key": key });
}

/** Classify images: `images` (base64) or `pixels`; with the model of job `id`, else with the best model. */
export function predict(images, id) {
  const path = id ? `${jobPath(id)}/predictions` : "/v1/predictions";
  return post(`${path}?preview=true`, images);
}
