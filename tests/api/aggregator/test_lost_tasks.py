"""What is late or lost of a round is sent again, a task for each idle worker, until all of it is there."""

import time
from collections.abc import Callable

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.api.aggregator.round import Timeouts
from dualtrain.core.store import Doing, Exchange, RowsMessage, Worker
from dualtrain.core.store.broker import Task
from tests.api.aggregator.rounds import HASTY, IDLE, Scene, done, failed, in_order


class Enough(Exception):
    """The test has seen what it wanted to."""


def test_what_does_not_come_back_is_sent_again_one_task_at_a_time(scene: Callable[..., Scene], exchange: Redis) -> None:
    Exchange(exchange).beat(IDLE)
    rounds = scene(lambda task, times: [done(task)] if task.shard == 1 or times == 2 else [])
    assert in_order(rounds.run())
    assert [task.shard for task in rounds.sent] == [0, 1, 2, 0, 2]
    assert {lane.shard: lane.retries for lane in rounds.remote.lanes} == {0: 1, 1: 0, 2: 1}


def test_each_idle_worker_gets_a_task_that_is_late(scene: Callable[..., Scene], exchange: Redis) -> None:
    def answer(task: Task, times: int) -> list[RowsMessage]:
        for name in "ab":
            Exchange(exchange).beat(IDLE.model_copy(update={"id": name}))
        return [done(task)] if times == 2 else []

    rounds = scene(answer)
    assert in_order(rounds.run())
    assert [task.shard for task in rounds.sent] == [0, 1, 2, 0, 1, 2]
    assert rounds.notices.retries == [(0, "late"), (2, "late")]


def test_a_lost_process_is_replaced_at_once_and_told(scene: Callable[..., Scene]) -> None:
    def answer(task: Task, times: int) -> list[RowsMessage]:
        return [failed(task, RowsMessage.LOST, "WorkerLostError")] if task.shard == 0 and times < 4 else [done(task)]

    rounds = scene(answer)
    assert in_order(rounds.run())
    assert rounds.notices.retries == [(0, "worker_lost")] * 3


def test_everything_is_published_again_when_the_exchange_came_back_empty(
    scene: Callable[..., Scene], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Exchange.receive, []

    def receive(self: Exchange, job_id: str, token: int, seconds: float) -> list[RowsMessage]:
        calls.append(1)
        if len(calls) == 2:
            exchange.flushall()
            raise NoConnection("gone")
        return real(self, job_id, token, seconds)

    monkeypatch.setattr(Exchange, "receive", receive)
    rounds = scene(lambda task, times: [done(task)] if task.shard == 0 or len(calls) > 1 else [])
    assert in_order(rounds.run())
    assert [task.shard for task in rounds.sent] == [0, 1, 2, 1, 2]
    assert exchange.exists("dualtrain:brief:j")


def test_everything_is_published_again_when_the_exchange_was_emptied_unnoticed(
    scene: Callable[..., Scene], exchange: Redis
) -> None:
    def answer(task: Task, times: int) -> list[RowsMessage]:
        if task.shard == 2 and times == 1:
            exchange.flushall()
            Exchange(exchange).beat(IDLE)
        return [done(task)] if times == 2 else []

    rounds = scene(answer)
    assert in_order(rounds.run())
    assert [task.shard for task in rounds.sent] == [0, 1, 2, 0, 1, 2]
    assert rounds.notices.retries == [(0, "exchange_lost")]
    assert exchange.exists("dualtrain:brief:j")


def test_without_workers_it_is_sent_again_once_and_waits_in_the_queue(scene: Callable[..., Scene]) -> None:
    def look() -> None:
        if rounds.notices.waits == 3:
            raise Enough

    rounds = scene(lambda task, times: [], shards=1)
    rounds.control.look = look
    with pytest.raises(Enough):
        rounds.run()
    assert len(rounds.sent) == 2


def test_timeouts_never_shrinks(scene: Callable[..., Scene], exchange: Redis) -> None:
    Exchange(exchange).beat(IDLE)
    started = time.monotonic()
    rounds = scene(
        lambda task, times: [done(task)] if times == 3 else [],
        shards=1,
        timeouts=Timeouts(floor=0.05, first=0.05, longest=0.01),
    )
    rounds.run()
    assert time.monotonic() - started >= 2 * 0.05


def test_timeouts_doubles_up_to_its_longest(scene: Callable[..., Scene], exchange: Redis) -> None:
    def answer(task: Task, times: int) -> list[RowsMessage]:
        Exchange(exchange).beat(IDLE)
        return [done(task)] if times == 4 else []

    rounds = scene(answer, shards=1, timeouts=Timeouts(floor=0.05, first=0.05, longest=0.1))
    rounds.run()
    assert rounds.notices.messages == [f"nothing came for {seconds} s" for seconds in ("0.05", "0.10", "0.10")]


@pytest.mark.parametrize(
    ("durations", "seconds"),
    [([], Timeouts.first), ([1e-6], Timeouts.floor), ([1.0, 2.0, 60.0], Timeouts.factor * 2.0)],
)
def test_a_task_is_late_after_some_median_rounds(durations: list[float], seconds: float) -> None:
    assert Timeouts().deadline(durations) == seconds


@pytest.mark.parametrize(
    ("doing", "looks"),
    [
        (Doing(job="j", step=7, shard=0), 3),
        (Doing(job="j", step=6, shard=0), 1),
        (Doing(job="another", step=7, shard=0), 1),
        (None, 1),
    ],
)
def test_a_task_is_not_sent_again_while_a_worker_is_at_its_round(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch, doing: Doing | None, looks: int
) -> None:
    real, looked = Exchange.workers, []

    def workers(self: Exchange) -> list[Worker]:
        looked.append(1)
        self.beat(IDLE.model_copy(update={"doing": doing if len(looked) < 3 else None}))
        return real(self)

    monkeypatch.setattr(Exchange, "workers", workers)
    rounds = scene(lambda task, times: [done(task)] if times == 2 else [], shards=1)
    assert in_order(rounds.run())
    assert (len(rounds.sent), len(looked)) == (2, looks)


def test_what_a_lost_host_had_is_sent_again_soon_after_its_heartbeat_expired(
    scene: Callable[..., Scene], monkeypatch: pytest.MonkeyPatch
) -> None:
    real, looked = Exchange.workers, []

    def workers(self: Exchange) -> list[Worker]:
        looked.append(1)
        doing = Doing(job="j", step=7, shard=0) if len(looked) <= 20 else None
        self.beat(IDLE.model_copy(update={"doing": doing}))
        return real(self)

    monkeypatch.setattr(Exchange, "workers", workers)
    timeouts = Timeouts(floor=HASTY.floor, first=HASTY.first, recheck=0.01)
    rounds = scene(lambda task, times: [done(task)] if times == 2 else [], shards=1, timeouts=timeouts)
    rounds.run()
    assert rounds.notices.messages == ["nothing came for 0.25 s"]  # it did not double with each look
