"""The queue of a pool: fair, bounded, and free again whatever becomes of a request."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from dualtrain.api.sandbox import pool as module
from dualtrain.api.sandbox.errors import Busy, OverLimit
from dualtrain.api.sandbox.limits import Limits
from dualtrain.api.sandbox.messages import Message
from dualtrain.api.sandbox.pool import Pool, Rules

LIMITS = Limits(1 << 30, 1, 1)
RULES = Rules(processes=3, running_per_caller=2, admitted_per_caller=4, limits=LIMITS)


class FakeChild:
    """A child whose requests take as long as they say; `started` counts the children, `order` lists the requests."""

    started = 0
    running = 0
    most = 0
    order: list[str] = []

    def __init__(self, variables: Any, niceness: int) -> None:
        type(self).started += 1
        self.usable = True

    async def ready(self) -> "FakeChild":
        return self

    async def call(self, operation: str, message: Message, limits: Limits, answer: Any) -> Message:
        FakeChild.running += 1
        FakeChild.most = max(FakeChild.most, FakeChild.running)
        FakeChild.order.append(operation)
        try:
            await asyncio.sleep(message.document["seconds"])
        except BaseException:
            self.kill()
            raise
        finally:
            FakeChild.running -= 1
        if message.document.get("fails"):
            self.kill()
            raise OverLimit("it takes too much")
        return Message({})

    def kill(self) -> None:
        self.usable = False

    async def end(self) -> None:
        self.kill()


@pytest.fixture(autouse=True)
def children(monkeypatch: pytest.MonkeyPatch) -> type[FakeChild]:
    FakeChild.started = FakeChild.running = FakeChild.most = 0
    FakeChild.order = []
    monkeypatch.setattr(module, "Child", FakeChild)
    return FakeChild


def run(pool: Pool, caller: str, seconds: float = 0.02, **more: Any) -> "asyncio.Task[Message]":
    return asyncio.create_task(pool.run(caller, caller, {"seconds": seconds, **more}))


def in_loop(scenario: Callable[[], Awaitable[None]]) -> None:
    asyncio.run(scenario())  # type: ignore[arg-type]


def test_a_caller_runs_two_at_a_time_and_another_gets_the_third(children: type[FakeChild]) -> None:
    async def scenario() -> None:
        pool = Pool(RULES)
        greedy = [run(pool, "mallory", 0.1) for _ in range(8)]
        await asyncio.sleep(0.01)
        assert children.running == 2
        await run(pool, "bob")
        await asyncio.gather(*greedy)
        assert children.most == 3
        assert children.order.index("bob") == 2

    in_loop(scenario)


def test_callers_take_turns() -> None:
    async def scenario() -> None:
        pool = Pool(Rules(1, 1, 9, LIMITS))
        tasks = [run(pool, caller) for caller in ("a", "a", "a", "b", "b", "c")]
        await asyncio.gather(*tasks)
        assert FakeChild.order == ["a", "a", "b", "c", "a", "b"]  # the first had its turn before others came

    in_loop(scenario)


def test_a_child_is_used_again_unless_its_request_ended_it(children: type[FakeChild]) -> None:
    async def scenario() -> None:
        pool = Pool(RULES)
        for _ in range(3):
            await run(pool, "bob")
        assert children.started == 1
        with pytest.raises(OverLimit):
            await run(pool, "bob", fails=True)
        await run(pool, "bob")
        assert children.started == 2

    in_loop(scenario)


def test_a_request_that_is_cancelled_leaves_its_place_wherever_it_is() -> None:
    async def scenario() -> None:
        pool = Pool(Rules(1, 1, 9, LIMITS))
        running, waiting, last = (run(pool, "bob", 0.1) for _ in range(3))
        await asyncio.sleep(0.01)
        waiting.cancel()
        running.cancel()
        await asyncio.wait_for(last, 1)
        assert not pool._running and not pool._waiting

    in_loop(scenario)


def test_waiting_has_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TURN_SECONDS", 0.05)

    async def scenario() -> None:
        pool = Pool(Rules(1, 1, 9, LIMITS))
        first = run(pool, "mallory", 0.3)
        with pytest.raises(Busy):
            await run(pool, "bob")
        await first
        await run(pool, "bob")

    in_loop(scenario)


def test_too_many_requests_of_one_caller_are_refused_before_their_bodies_are_read() -> None:
    pool = Pool(Rules(1, 1, 2, LIMITS))
    with pool.admitted("mallory"), pool.admitted("mallory"):
        with pytest.raises(Busy, match="2 requests"), pool.admitted("mallory"):
            pass
        with pool.admitted("bob"):
            pass
    with pool.admitted("mallory"):
        pass


def test_the_bodies_of_a_caller_have_a_limit_together() -> None:
    pool = Pool(Rules(1, 1, 9, LIMITS, spooled_bytes_per_caller=100))
    with pool.admitted("mallory") as first:
        first.spool(60)
        with pool.admitted("mallory") as second, pytest.raises(Busy, match="100 bytes"):
            second.spool(60)
        with pool.admitted("bob") as other:
            other.spool(60)
    with pool.admitted("mallory") as third:
        third.spool(100)


def test_idle_children_end_but_the_spare_one(children: type[FakeChild], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "IDLE_SECONDS", 0.05)

    async def scenario() -> None:
        pool = Pool(Rules(3, 3, 9, LIMITS, spare=1))
        await asyncio.gather(*(run(pool, "bob") for _ in range(3)))
        assert len(pool._idle) == 3
        await asyncio.sleep(0.2)
        assert len(pool._idle) == 1
        await pool.close()
        assert not pool._idle

    in_loop(scenario)
