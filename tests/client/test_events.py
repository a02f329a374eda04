"""Event streams that are cut."""

import asyncio
import time
from collections.abc import AsyncGenerator
from typing import Any

import httpx2
import pytest
from httpx2 import ServerSentEvent

from dualtrain.client import Client, JobHandle, Unreachable
from dualtrain.client.events import follow
from dualtrain.client.http import BlockingWire
from dualtrain.client.retry import Transport

PATIENCE_SECONDS = 0.2


def test_a_stream_that_is_cut_again_and_again_loses_and_doubles_nothing(trained: JobHandle, relay: Any) -> None:
    whole = list(trained.events())
    relay.cut_after = [900, 900, 900, 900, 1000]
    with Client(relay.url) as far:
        trained_far = JobHandle(far._transport, trained.record)
        assert list(trained_far.events()) == whole
    assert relay.connections == 6


class QuietWire(BlockingWire):
    """A stream on which nothing is told for longer than anybody has patience, is cut, and ends the next time."""

    connections = 0

    async def events(self, path: str, **options: Any) -> AsyncGenerator[ServerSentEvent, None]:
        self.connections += 1
        if self.connections > 1:
            yield ServerSentEvent(event="done", data="{}")
            return
        yield ServerSentEvent(retry=1000)
        time.sleep(3 * PATIENCE_SECONDS)
        raise httpx2.ReadError("cut")


def test_a_stream_on_which_nothing_happened_is_taken_up_again() -> None:
    transport = Transport(QuietWire, "http://nowhere", None, PATIENCE_SECONDS)

    async def types() -> list[str]:
        return [event.type async for event in follow(transport, "/")]

    assert asyncio.run(types()) == ["done"]


class EndingWire(BlockingWire):
    """A stream that ends at once, again and again."""

    connections = 0

    async def events(self, path: str, **options: Any) -> AsyncGenerator[ServerSentEvent, None]:
        EndingWire.connections += 1
        return
        yield


def test_a_stream_that_only_ends_is_left_after_a_while() -> None:
    transport = Transport(EndingWire, "http://nowhere", None, 0.5)

    async def all_of_them() -> None:
        async for _ in follow(transport, "/"):
            pass

    with pytest.raises(Unreachable, match="the stream ended"):
        asyncio.run(all_of_them())
    assert 1 < EndingWire.connections < 10
