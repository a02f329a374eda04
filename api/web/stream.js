// The event stream, one for the whole page.

const TYPES = ["status", "step", "evaluation", "retry", "gap"];
const AGAIN_MILLISECONDS = 2000;

/** Follow all jobs. `opened` is called at each (re)connection, `heard(type, data)` for each event, `lost` when it breaks. */
export function follow({ opened, heard, lost }) {
  const source = new EventSource("/v1/events");
  source.onopen = opened;
  source.onerror = () => {
    lost();
    // The browser reconnects by itself after a broken connection, but not after an error response.
    if (source.readyState === EventSource.CLOSED) setTimeout(() => follow({ opened, heard, lost }), AGAIN_MILLISECONDS);
  };
  for (const type of TYPES) source.addEventListener(type, (event) => heard(type, JSON.parse(event.data)));
}
