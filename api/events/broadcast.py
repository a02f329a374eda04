"""One reader of events per process, however many listen: one Redis connection, a queue for each listener."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import structlog
from fastapi.sse import ServerSentEvent

from dualtrain.core.store import Event, RedisClient, ServerError, keys

BLOCK_MILLISECONDS = 3000
"""Less than a client of the store waits for a reply."""
RETRY_SECONDS = 0.5
BACKLOG = 2000
"""Events that a listener may lag behind; a slower one is disconnected and may resume."""


@dataclass(frozen=True)
class Message:
    """An event, and its form on the wire, made once for all listeners."""

    event: Event
    sent: ServerSentEvent

    @classmethod
    def of(cls, event: Event) -> "Message":
        """Return the message of an event; its data also name the job."""
        data = json.dumps({"job_id": event.job_id, **event.data})
        return cls(event, ServerSentEvent(raw_data=data, event=event.type, id=event.id))


@dataclass(eq=False)
class Listener:
    """Subscriber to the events of one job, or of all (None)."""

    job_id: str | None
    queue: asyncio.Queue[Message | None] = field(default_factory=lambda: asyncio.Queue(BACKLOG))

    async def next(self) -> Message | None:
        """Return the next event, None when the listener was too slow or the service stops."""
        return await self.queue.get()

    async def notable(self, status: str, seconds: float) -> bool:
        """Wait until the status is another or an evaluation is made; return False when neither happens in time."""
        try:
            async with asyncio.timeout(seconds):
                while (message := await self.next()) and not _notable(message.event, status):
                    pass
        except TimeoutError:
            return False
        return True

    def hand(self, message: Message | None) -> None:
        """Queue an event; a listener whose queue is full is disconnected."""
        if message is None or self.queue.full():
            while not self.queue.empty():
                self.queue.get_nowait()
            message = None
        self.queue.put_nowait(message)


def _notable(event: Event, status: str) -> bool:
    """Return whether an event is an evaluation or a change of status, not only of its reason."""
    return event.type == "evaluation" or (event.type == "status" and event.data["status"] != status)


class Fanout:
    """Reader of the stream of all events; publishes each event to its subscribers."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._listeners: set[Listener] = set()
        self._after: str | None = None
        self._begun = asyncio.Event()
        self._closed = False

    async def begun(self) -> None:
        """Return once events are read: who listened before, and replays afterwards, misses none."""
        await self._begun.wait()

    @contextmanager
    def listen(self, job_id: str | None = None) -> Iterator[Listener]:
        """Listen while the context is open: no event that happens meanwhile is missed, once reading has `begun`."""
        listener = Listener(job_id)
        self._listeners.add(listener)
        if self._closed:  # disconnected clients reconnect at once, while requests are still accepted
            listener.hand(None)
        try:
            yield listener
        finally:
            self._listeners.discard(listener)

    @property
    def listeners(self) -> int:
        """Number of current listeners."""
        return len(self._listeners)

    def close(self) -> None:
        """Disconnect all listeners and stop reading: the store's client may swallow a cancellation."""
        self._closed = True
        self._begun.set()
        for listener in self._listeners:
            listener.hand(None)

    async def run(self) -> None:
        """Read until closed or cancelled; what happens while the store is away is read afterwards."""
        while not self._closed:
            try:
                self._after = self._after or await self._newest()
                self._begun.set()
                await self._read(self._after)
            except (ServerError, OSError) as error:
                structlog.get_logger().warning("the stream of events cannot be read", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _newest(self) -> str:
        last: Any = await self._store.xrevrange(keys.EVENTS, count=1)
        return last[0][0].decode() if last else "0-0"

    async def _read(self, after: str) -> None:
        streams = await self._store.xread({keys.EVENTS: after}, count=500, block=BLOCK_MILLISECONDS)
        for _, entries in streams:
            for entry in entries:
                self._hand(Message.of(Event.parse(entry)))

    def _hand(self, message: Message) -> None:
        self._after = message.event.id
        for listener in self._listeners:
            if listener.job_id in (None, message.event.job_id):
                listener.hand(message)
