"""Times of rounds are measured once, however many requests ask for them at the same time."""

import asyncio
from typing import Any

import pytest

from dualtrain.api.jobs import timings
from dualtrain.api.jobs.timings import NotEstimable, Timings
from dualtrain.api.sandbox.errors import OverLimit
from dualtrain.api.sandbox.messages import Message
from dualtrain.api.sandbox.pool import Pool
from dualtrain.api.sandbox.pools import MEASUREMENTS
from dualtrain.core.spec import JobSpec


class SlowPool(Pool):
    """A pool whose only operation takes a while; `kinds` are those that were measured."""

    def __init__(self) -> None:
        super().__init__(MEASUREMENTS)
        self.kinds: list[str] = []

    async def run(self, caller: str, operation: str, arguments: dict[str, Any], *_: Any) -> Message:
        self.kinds.append(arguments["spec"])
        await asyncio.sleep(0.05)
        if JobSpec.model_validate_json(arguments["spec"]).batch_size == 999:
            raise OverLimit("it takes more than 30 s")
        return Message({"result": {"batch_seconds": len(self.kinds), "update_seconds": 0, "sample_seconds": 0}})


async def measured(store: Timings, *sizes: int) -> list[float]:
    found = await asyncio.gather(*(store.of(JobSpec(batch_size=size), "ann") for size in sizes))
    return [timing.batch_seconds for timing in found]


def test_requests_for_the_same_kind_wait_for_one_measurement() -> None:
    async def scenario() -> None:
        pool = SlowPool()
        assert await measured(Timings(pool), *[1] * 8) == [1.0] * 8
        assert len(pool.kinds) == 1

    asyncio.run(scenario())


def test_the_newest_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        pool = SlowPool()
        store = Timings(pool)
        for size in (1, 2, 3, 3, 2, 1):
            await measured(store, size)
        assert len(pool.kinds) == 4

    monkeypatch.setattr(timings, "MAX_TIMINGS", 2)
    asyncio.run(scenario())


def test_a_measurement_goes_on_while_a_client_waits_for_it_and_ends_with_the_last() -> None:
    async def scenario() -> None:
        pool = SlowPool()
        store = Timings(pool)
        first, second = (asyncio.create_task(store.of(JobSpec(), name)) for name in ("ann", "bob"))
        await asyncio.sleep(0.01)
        first.cancel()
        assert (await second).batch_seconds == 1.0
        alone = asyncio.create_task(store.of(JobSpec(batch_size=7), "ann"))
        await asyncio.sleep(0.01)
        alone.cancel()
        await asyncio.sleep(0.1)
        assert await measured(store, 7) == [3.0]

    asyncio.run(scenario())


def test_a_round_that_takes_too_long_is_not_estimable() -> None:
    async def scenario() -> None:
        with pytest.raises(NotEstimable, match="smaller batches"):
            await measured(Timings(SlowPool()), 999)

    asyncio.run(scenario())
