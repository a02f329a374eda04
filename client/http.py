"""The two ways to reach a server: with blocking calls, and with calls that are awaited.

Everything above is written once, for wires that are awaited. A blocking wire's coroutines do not wait for anything, so
they can be run to their end at once (`dualtrain.client.sync_async`).
"""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any, Protocol

import httpx2


class Wire(Protocol):
    """The part of httpx2 that a client uses. Each raises httpx2.TransportError when there is no answer."""

    def __init__(self, **options: Any) -> None: ...

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        """Return the answer, whatever it is."""
        ...

    def events(self, path: str, **options: Any) -> AsyncGenerator[httpx2.ServerSentEvent, None]:
        """Yield what is sent. Raises httpx2.HTTPStatusError with the whole answer when it is no success."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return later."""

    async def close(self) -> None:
        """Close the connections."""


class BlockingWire:
    """Blocks its thread."""

    def __init__(self, **options: Any) -> None:
        self._http = httpx2.Client(**options)

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return self._http.request(method, path, **options)

    async def events(self, path: str, **options: Any) -> AsyncGenerator[httpx2.ServerSentEvent, None]:
        with self._http.stream("GET", path, **options) as answer:
            if not answer.is_success:
                answer.read()
            answer.raise_for_status()
            for sent in httpx2.EventSource(answer):
                yield sent

    async def sleep(self, seconds: float) -> None:
        time.sleep(seconds)

    async def close(self) -> None:
        self._http.close()


class AwaitedWire:
    """Lets the event loop do other things meanwhile."""

    def __init__(self, **options: Any) -> None:
        self._http = httpx2.AsyncClient(**options)

    async def request(self, method: str, path: str, **options: Any) -> httpx2.Response:
        return await self._http.request(method, path, **options)

    async def events(self, path: str, **options: Any) -> AsyncGenerator[httpx2.ServerSentEvent, None]:
        async with self._http.stream("GET", path, **options) as answer:
            if not answer.is_success:
                await answer.aread()
            answer.raise_for_status()
            async for sent in httpx2.EventSource(answer):
                yield sent

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def close(self) -> None:
        await self._http.aclose()
