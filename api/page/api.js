// Requests to the service. What fails becomes a Trouble, whose message is for people.

/** A request that failed: `code` is the service's, `faults` name places of the sent document. */
export class Trouble extends Error {
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

const body = (value) => ({ body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });
const json = async (path, options) => (await ask(path, options)).json();
const part = (id) => `/v1/jobs/${encodeURIComponent(id)}`;

export const session = () => json("/v1/session");
export const logIn = (key) => json("/v1/session", { method: "POST", ...body({ key }) });
export const logOut = () => ask("/v1/session", { method: "DELETE" });
export const workers = () => json("/v1/workers");
export const jobs = (after) => json(`/v1/jobs?limit=50${after ? `&after=${encodeURIComponent(after)}` : ""}`);
export const job = (id) => json(part(id));
export const history = (id) => json(`${part(id)}/history`);
export const evaluation = (id) => json(`${part(id)}/evaluation`);
export const move = (id, verb) => json(`${part(id)}/${verb}`, { method: "POST" });
export const remove = (id) => ask(part(id), { method: "DELETE" });
export const trace = (id, asked) => json(`${part(id)}/trace`, { method: "POST", ...body(asked) });
export const estimate = (spec) => json("/v1/jobs?dry_run=true", { method: "POST", ...body(spec) });
/** The events that are kept of an ended job, as [type, data]: its stream replays them and ends. */
export async function past(id) {
  const text = await (await ask(`${part(id)}/events`)).text();
  return [...text.matchAll(/^event: (\w+)\ndata: (.*)$/gm)].map(([, type, data]) => [type, JSON.parse(data)]);
}

export const weights = async (id, layer) => (await ask(`${part(id)}/weights.png?layer=${layer}`)).blob();
export const datasets = () => json("/v1/datasets");
export const samples = (name, first, limit) => json(`/v1/datasets/${name}/samples?first=${first}&limit=${limit}`);

/** Submit a job; sending the same `key` again cannot make a second one. */
export function submit(spec, key) {
  const request = body(spec);
  return json("/v1/jobs", { ...request, method: "POST", headers: { ...request.headers, "Idempotency-Key": key } });
}

/** Ask what a picture shows: `images` (base64) or `pixels`; by a job's model, or by the best there is. */
export function predict(images, id) {
  const path = id ? `${part(id)}/predictions` : "/v1/predictions";
  return json(`${path}?preview=true`, { method: "POST", ...body(images) });
}
