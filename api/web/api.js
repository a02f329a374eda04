// Requests to the service. What fails becomes a Trouble, whose message is for people.

/** A request that failed: `code` is the service's, `faults` name places of the sent document. */
class Trouble extends Error {
  constructor(message, code = "offline", faults = []) {
    super(message);
    this.code = code;
    this.faults = faults;
  }
}

let onStranger = () => {};

/** Call `listener` whenever the service says that it does not know who asks. */
export function whenStranger(listener) {
  onStranger = listener;
}

async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch {
    throw new Trouble("The service cannot be reached. The page goes on by itself when it is back.");
  }
  if (answer.ok) return answer;
  const problem = await answer.json().catch(() => ({}));
  if (answer.status === 401 && path !== "/v1/session") onStranger();
  throw new Trouble(
    problem.detail || problem.title || `The service answered ${answer.status}.`,
    problem.code,
    problem.errors,
  );
}

const json = async (path, options) => (await ask(path, options)).json();
const at = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

function post(path, value, headers = {}) {
  const all = { "Content-Type": "application/json", ...headers };
  return json(path, { method: "POST", body: JSON.stringify(value), headers: all });
}

// What follows asks for what it is called, and returns the service's answer; `weights` is a picture.
export const session = () => json("/v1/session");
export const logIn = (key) => post("/v1/session", { key });
export const logOut = () => ask("/v1/session", { method: "DELETE" });
export const workers = () => json("/v1/workers");
export const jobs = (after) => json(`/v1/jobs?limit=50${after ? `&after=${encodeURIComponent(after)}` : ""}`);
export const job = (id) => json(at(id));
export const history = (id) => json(`${at(id)}/history`);
export const evaluation = (id) => json(`${at(id)}/evaluation`);
export const remove = (id) => ask(at(id), { method: "DELETE" });
export const trace = (id, asked) => post(`${at(id)}/trace`, asked);
export const estimate = (spec) => post("/v1/jobs?dry_run=true", spec);
export const weights = async (id, layer) => (await ask(`${at(id)}/weights.png?layer=${layer}`)).blob();
export const datasets = () => json("/v1/datasets");
export const samples = (name, first, limit) => json(`/v1/datasets/${name}/samples?first=${first}&limit=${limit}`);

/** Change a job's status: `verb` is pause, resume or cancel. */
export const move = (id, verb) => json(`${at(id)}/${verb}`, { method: "POST" });

/** The events that are kept of an ended job, as [type, data]: its stream replays them and ends. */
export async function past(id) {
  const text = await (await ask(`${at(id)}/events`)).text();
  return [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, type, data]) => [type, JSON.parse(data)]);
}

/** Submit a job; sending the same `key` again cannot make a second one. */
export function submit(spec, key) {
  return post("/v1/jobs", spec, { "Idempotency-Key": key });
}

/** Ask what a picture shows: `images` (base64) or `pixels`; by a job's model, or by the best there is. */
export function predict(images, id) {
  const path = id ? `${at(id)}/predictions` : "/v1/predictions";
  return post(`${path}?preview=true`, images);
}
