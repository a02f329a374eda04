"""The client that is awaited, against a whole stack. What it shares with the blocking one is tested there."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar
from uuid import uuid4

import pytest

from dualtrain.client import ApiError, AsyncClient, AsyncJobHandle, Client, JobHandle, Unreachable
from dualtrain.core.job import Status

T = TypeVar("T")
SHORT: dict[str, Any] = {"max_steps": 20, "gradient": {"method": "per-neuron"}}
LONG: dict[str, Any] = {"epochs": 50, "gradient": {"method": "per-neuron"}}
NOBODY = "http://127.0.0.1:9"


def within(url: str, use: Callable[[AsyncClient], Awaitable[T]], **options: Any) -> T:
    """Return what `use` makes of a client."""

    async def scenario() -> T:
        async with AsyncClient(url, **options) as client:
            return await use(client)

    return asyncio.run(scenario())


def test_jobs_are_trained_beside_each_other_and_predict(url: str, tmp_path: Path) -> None:
    async def use(client: AsyncClient) -> list[AsyncJobHandle]:
        jobs = await asyncio.gather(*(client.submit({**SHORT, "seed": seed}) for seed in range(3)))
        await asyncio.gather(*(job.wait() for job in jobs))
        samples = await client.samples(limit=2)
        found = await jobs[0].predict(pixels=[sample["pixels"] for sample in samples])
        assert found == await client.predict(pixels=[sample["pixels"] for sample in samples], model=jobs[0].id)
        assert (await jobs[0].download(tmp_path / "model.npz", form="npz")).stat().st_size > 0
        assert (await jobs[0].history())[-1]["step"] == 20
        return jobs

    jobs = within(url, use)
    assert {job.record.status for job in jobs} == {Status.SUCCEEDED}
    assert len({job.record.model.sha256 for job in jobs}) == 3


def test_events_are_those_of_the_blocking_client(url: str, trained: JobHandle) -> None:
    async def use(client: AsyncClient) -> list[Any]:
        return [event async for event in (await client.job(trained.id)).events()]

    assert within(url, use) == list(trained.events())


def test_a_stream_that_is_cut_again_and_again_loses_and_doubles_nothing(trained: JobHandle, relay: Any) -> None:
    async def use(far: AsyncClient) -> list[Any]:
        relay.cut_after = [900, 900, 900, 900, 1000]
        job = AsyncJobHandle(far._transport, trained.record)
        return [event async for event in job.events()]

    assert within(relay.url, use) == list(trained.events())
    assert relay.connections == 6


def test_a_lost_answer_makes_no_second_job(relay: Any, client: Client) -> None:
    mark = {"mark": uuid4().hex}
    relay.cut_after = [0, 0, 20]
    made = within(relay.url, lambda far: far.submit({**SHORT, "metadata": mark}))
    assert relay.connections == 4
    assert [one.id for one in client.jobs(metadata=mark)] == [made.id]


def test_pause_resume_cancel_may_be_said_twice(url: str) -> None:
    async def use(client: AsyncClient) -> None:
        job = await client.submit(LONG)
        async for event in job.events():
            if event.type == "step":
                break
        for change, status in ((job.pause, "paused"), (job.resume, "running"), (job.cancel, "cancelled")):
            assert (await change()).status == (await change()).status == status
        with pytest.raises(ApiError, match="illegal_transition"):
            await job.resume()
        await job.delete()

    within(url, use)


def test_jobs_are_listed_page_by_page(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dualtrain.client.client.PAGE", 2)
    mark = {"mark": uuid4().hex}

    async def use(client: AsyncClient) -> None:
        made = [(await client.submit({**SHORT, "metadata": mark})).id for _ in range(3)]
        assert [job.id async for job in client.jobs(metadata=mark)] == made[::-1]
        assert [job.id async for job in client.jobs(metadata=mark, limit=1)] == made[:1:-1]

    within(url, use)


def test_the_loop_is_free_while_a_server_is_away_and_patience_ends() -> None:
    ticks = 0

    async def use(client: AsyncClient) -> None:
        async def tick() -> None:
            nonlocal ticks
            while True:
                await asyncio.sleep(0.01)
                ticks += 1

        ticking = asyncio.create_task(tick())
        with pytest.raises(Unreachable, match=NOBODY):
            await client.workers()
        ticking.cancel()

    started = time.monotonic()
    within(NOBODY, use, patience_seconds=0.5)
    assert time.monotonic() - started < 2
    assert ticks > 10
