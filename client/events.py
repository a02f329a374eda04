"""A job's events, followed through lost connections and restarts of the server."""

import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

import httpx2

from dualtrain.client.retry import Patience, Transport, seconds_or_raise

SILENCE_SECONDS = 40.0
"""The server sends a comment at least every 15 s; a connection that is silent for longer than this is dead."""


@dataclass(frozen=True)
class Event:
    """`type` is status, step, evaluation, retry, gap or done; `id` names the place in the stream, "" for none."""

    id: str
    type: str
    data: dict[str, Any]


async def follow(transport: Transport, path: str, after: str | None = None) -> AsyncGenerator[Event, None]:
    """Yield events until `done`, each once, from after the id `after` or from the beginning of what is kept.

    Raises Unreachable when the server stays away, ApiError when there is nothing to follow.
    """
    patience = transport.patience()
    while True:
        try:
            async with aclosing(_connection(transport, path, after, patience)) as events:
                async for event in events:
                    after = event.id or after
                    yield event
                    if event.type == "done":
                        return
            await transport.wait_for_server(ConnectionError("the stream ended"), patience)
        except httpx2.HTTPStatusError as refused:
            await transport.wire.sleep(seconds_or_raise(refused.response, patience))
        except httpx2.TransportError as error:
            await transport.wait_for_server(error, patience)


async def _connection(
    transport: Transport, path: str, after: str | None, patience: Patience
) -> AsyncGenerator[Event, None]:
    """Yield the events of one connection. One on which anything came renews the patience, however quiet it was."""
    headers = {"Accept": "text/event-stream"} | ({"Last-Event-ID": after} if after else {})
    timeout = httpx2.Timeout(SILENCE_SECONDS, connect=5.0)
    came = False
    async with aclosing(transport.wire.events(path, headers=headers, timeout=timeout)) as sent:
        try:
            async for event in sent:
                came = True
                if event.data:  # what has none only tells the browser how soon to come back
                    yield Event(event.id, event.event, json.loads(event.data))
        finally:
            if came:  # at the end, for of the comments of a quiet stream nothing is seen
                patience.renew()
