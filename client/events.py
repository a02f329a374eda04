"""A job's events, followed through lost connections and restarts of the server."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
from httpx_sse import EventSource, SSEError

from client.transport import Transport, wait_or_raise

SILENCE_SECONDS = 40.0
"""The server sends a comment at least every 15 s; a connection that is silent for longer than this is dead."""


@dataclass(frozen=True)
class Event:
    """`type` is status, step, evaluation, retry, gap or done; `id` names the place in the stream, "" for none."""

    id: str
    type: str
    data: dict[str, Any]


def follow(transport: Transport, path: str, after: str | None = None) -> Iterator[Event]:
    """Yield events until `done`, each once, from after the id `after` or from the beginning of what is kept.

    Raises Unreachable when the server stays away, ApiError when there is nothing to follow.
    """
    patience = transport.patience()
    while True:
        headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
        timeout = httpx.Timeout(SILENCE_SECONDS, connect=5.0)
        try:
            with transport.http.stream("GET", path, headers=headers, timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    wait_or_raise(response, patience)
                    continue
                for event in _events(response):
                    patience.renew()
                    after = event.id or after
                    yield event
                    if event.type == "done":
                        return
        except (httpx.TransportError, SSEError) as error:
            lost = error if isinstance(error, httpx.TransportError) else httpx.ReadError(str(error))
            patience.wait(transport.unreachable(lost))


def _events(response: httpx.Response) -> Iterator[Event]:
    # What has no data only tells the browser how soon to come back.
    return (Event(sent.id, sent.event, sent.json()) for sent in EventSource(response).iter_sse() if sent.data)
