// The one stream of events that the whole page lives on.

const TYPES = ["status", "step", "evaluation", "retry", "gap"];
const AGAIN_MILLISECONDS = 2000;

/** Follow all jobs. `opened` is called at each (re)connection, `heard(type, data)` for each event, `lost` at a break. */
export function follow({ opened, heard, lost }) {
  const source = new EventSource("/v1/events");
  source.onopen = opened;
  source.onerror = () => {
    lost();
    // The browser comes back by itself after a broken connection, but gives up after an answer that is an error.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow({ opened, heard, lost }), AGAIN_MILLISECONDS);
  };
  for (const type of TYPES) source.addEventListener(type, (event) => heard(type, JSON.parse(event.data)));
}
