"""uvicorn's two HTTP protocols with what they lack: a limit of header bytes, and deadlines for slow clients."""

import asyncio
from typing import Any, Literal

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEADER_BYTES = 64 << 10
"""Most bytes of a request's line and headers; a single read of the socket may add 256 KiB before they are counted."""
HEAD_SECONDS = 10.0
"""The longest time from the first byte of a request, or from the connection, to the end of the headers."""
BODY_SECONDS = 20.0
"""The longest time that a body may stand still."""
BODY_BYTES_PER_SECOND = 16 << 10
"""The slowest rate of a body in the long run."""
_TICK_SECONDS = 1.0

Phase = Literal["idle", "head", "body"]
_RESPONSES = {
    408: b"HTTP/1.1 408 Request Timeout\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
    431: b"HTTP/1.1 431 Request Header Fields Too Large\r\nconnection: close\r\ncontent-length: 0\r\n\r\n",
}


class Deadlines(asyncio.Protocol):
    """A connection that is closed when a request's headers or body come too slowly.

    A budget of seconds shrinks while bytes are awaited; each byte of a body gives some back. Time in which the
    application itself does not take more bytes is not counted.
    """

    loop: asyncio.AbstractEventLoop
    transport: asyncio.Transport
    flow: Any
    cycle: Any
    _budget_seconds = HEAD_SECONDS
    _ticking: asyncio.TimerHandle | None = None
    _refused = False

    @property
    def phase(self) -> Phase:
        """The part of a request that is awaited; `idle` before and between requests."""
        raise NotImplementedError

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._begin(HEAD_SECONDS)

    def connection_lost(self, exc: Exception | None) -> None:
        self._end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        before = self.phase
        super().data_received(data)
        if not self._refused:
            self._update(before, len(data))

    def _update(self, before: Phase, size_bytes: int) -> None:
        """Set the budget for the part of the request that is awaited now."""
        if self.phase == "body":
            if before != "body":
                self._begin(BODY_SECONDS)
            self._budget_seconds = min(BODY_SECONDS, self._budget_seconds + size_bytes / BODY_BYTES_PER_SECOND)
        elif self.phase == "head" or not self._is_responding():
            if before == "body" or self._ticking is None:
                self._begin(HEAD_SECONDS)
        else:
            self._end()

    def _is_responding(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _begin(self, seconds: float) -> None:
        self._end()
        self._budget_seconds = seconds
        self._ticking = self.loop.call_later(_TICK_SECONDS, self._tick)

    def _end(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None

    def _tick(self) -> None:
        if not self.flow.read_paused:
            self._budget_seconds -= _TICK_SECONDS
        if self._budget_seconds <= 0:
            self.refuse(408)
        else:
            self._ticking = self.loop.call_later(_TICK_SECONDS, self._tick)

    def refuse(self, status: int) -> None:
        """Close the connection, after a response unless another one is under way."""
        self._refused = True
        self._end()
        if self._may_respond() and not self.transport.is_closing():
            self.transport.write(_RESPONSES[status])
        self.transport.close()

    def _may_respond(self) -> bool:
        """Return whether the next response is the refused request's, and has not begun."""
        if self.phase == "body":
            return not (self.cycle.response_started or self.cycle.response_complete)
        return not self._is_responding()


class BoundedHttpTools(Deadlines, HttpToolsProtocol):
    """The fast parser. It has no limit of its own: headers are counted here."""

    _phase: Phase = "idle"
    _head_bytes = 0

    @property
    def phase(self) -> Phase:
        return self._phase

    def data_received(self, data: bytes) -> None:
        was_in_head = self._phase == "head"
        super().data_received(data)
        if was_in_head and self._phase == "head":
            self._count(len(data))

    def on_message_begin(self) -> None:
        self._phase = "head"
        self._head_bytes = 0
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._count(len(self.url) + sum(len(name) + len(value) for name, value in self.headers) - self._head_bytes)
        if self._refused:
            return
        self._phase = "body"
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self._refused:
            self._phase = "idle"
            super().on_message_complete()

    def _count(self, size_bytes: int) -> None:
        self._head_bytes += max(0, size_bytes)
        if self._head_bytes > HEADER_BYTES and not self._refused:
            self.refuse(431)


class BoundedH11(Deadlines, H11Protocol):
    """The pure Python parser, which refuses too many header bytes itself (`h11_max_incomplete_event_size`)."""

    conn: h11.Connection

    @property
    def phase(self) -> Phase:
        if self.conn.their_state is h11.SEND_BODY:
            return "body"
        if self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            return "head"
        return "idle"
