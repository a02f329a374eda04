"""A TCP proxy between one process and one server, whose connections can be cut, left half open or slowed down.

A small one of our own: it must tell which of the server's clients are the process's, which toxiproxy does not.
"""

import asyncio
import threading
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

CHUNK_BYTES = 1 << 16


class Links:
    """The links of a stack, all on one event loop in a thread."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self._links: list[Link] = []

    def open(self, server_port: int) -> "Link":
        """Return a new link to the server at `server_port`."""
        link = Link(self.call, server_port)
        self.call(link.start())
        self._links.append(link)
        return link

    def call(self, work: Coroutine[Any, Any, Any]) -> Any:
        """Run a coroutine on the loop and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(10)

    def close(self) -> None:
        """Close all links."""
        for link in self._links:
            self.call(link.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()


class Link:
    """One proxy. `refusing`: new connections end at once. `delay_seconds`: each piece of data waits so long."""

    def __init__(self, call: Any, server_port: int) -> None:
        self._call, self._server_port = call, server_port
        self._pairs: dict[int, _Pair] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.refusing = False
        self.delay_seconds = 0.0
        self.port = 0

    @property
    def ports(self) -> set[int]:
        """The ports from which this link is connected to its server: the server's clients have these addresses."""
        return set(self._pairs)

    def cut(self) -> None:
        """End every connection on both sides."""
        self._call(self._drop(silently=False))

    def half_open(self) -> None:
        """End every connection on the server's side only: the process is never told."""
        self._call(self._drop(silently=True))

    async def start(self) -> None:
        """Listen."""
        self._listener = await asyncio.start_server(self._serve, "127.0.0.1", 0, backlog=256)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Close everything."""
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _drop(self, silently: bool) -> None:
        for pair in self._pairs.values():
            pair.silent = silently
            pair.down.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if not self.refusing:
                await self._connect(reader, writer)
        except (OSError, asyncio.CancelledError):
            pass  # the server is away, or the test is over: the process sees its connection end
        finally:
            self._tasks.discard(task)
            writer.transport.abort()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        up, down = await asyncio.open_connection("127.0.0.1", self._server_port)
        pair, port = _Pair(self, reader, writer, up, down), down.get_extra_info("sockname")[1]
        self._pairs[port] = pair
        try:
            await pair.run()
        finally:
            del self._pairs[port]
            down.transport.abort()
        while pair.silent and await reader.read(CHUNK_BYTES):
            pass


@dataclass
class _Pair:
    """A connection of a process and the one to the server that belongs to it."""

    link: Link
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    up: asyncio.StreamReader
    down: asyncio.StreamWriter
    silent: bool = False

    async def run(self) -> None:
        """Hand data on in both directions until either side ends."""
        ways = [asyncio.create_task(self._pump(*way)) for way in ((self.reader, self.down), (self.up, self.writer))]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pump(self, source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await source.read(CHUNK_BYTES):
                if self.link.delay_seconds:
                    await asyncio.sleep(self.link.delay_seconds)
                target.write(data)
                await target.drain()
