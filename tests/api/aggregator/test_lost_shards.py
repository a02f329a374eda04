"""What is late or lost of a round is sent again, one task at a time, until all of it is there."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.api.aggregator import round as round_module
from dualtrain.api.aggregator.round import FACTOR, FIRST_SECONDS, FLOOR_SECONDS, deadline_seconds
from dualtrain.core.store import Doing, Exchange, Rows, Worker
from dualtrain.core.store.broker import ShardTask
from tests.api.aggregator.rounds import IDLE, Heard, done, failed, in_order, named, of, taken


class Enough(Exception):
    """The test has seen what it wanted to."""


def test_what_does_not_come_back_is_sent_again_one_task_at_a_time(gather: Callable[..., Any], exchange: Redis) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [done(one) for one in taken(exchange, task)] if task.shard == 1 or n == 2 else []

    workers, gatherer, found = gather(answer)
    assert in_order(found)
    assert [task.shard for task in workers.sent] == [0, 1, 2, 0]
    assert {lane.shard: lane.retries for lane in gatherer.lanes} == {0: 1, 1: 0, 2: 1}


def test_a_lost_process_is_replaced_at_once_and_told(gather: Callable[..., Any], heard: Heard) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task, Rows.LOST, "WorkerLostError")] if task.shard == 0 and n < 4 else [done(task)]

    _, _, found = gather(answer)
    assert in_order(found)
    assert heard.retries == [(0, "worker_lost")] * 3


def test_what_a_lost_process_had_taken_is_sent_again_once_no_task_is_out(
    gather: Callable[..., Any], exchange: Redis, heard: Heard
) -> None:
    lost: list[ShardTask] = []

    def answer(task: ShardTask, n: int) -> list[Rows]:
        shards = taken(exchange, task, 3 if task.shard == 0 and n == 1 else 100)
        if task.shard == 0 and n == 1:
            lost.extend(shards)
            return [failed(task, Rows.LOST, "WorkerLostError")]
        return [done(one) for one in reversed(shards)]

    workers, gatherer, found = gather(answer, taper=True)
    assert in_order(found, 40)
    assert [task.shard for task in lost] == [0, 2, 3]
    assert [task.shard for task in workers.sent] == [0, 1, 0, 2]
    assert heard.retries == [(0, "worker_lost"), (2, "worker_lost")]
    assert sorted(lane.shard for lane in gatherer.lanes if lane.retries) == [0, 2, 3]


def test_everything_is_published_again_when_the_exchange_came_back_empty(
    gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Exchange.receive, []

    def receive(self: Exchange, job_id: str, token: int, seconds: float) -> list[Rows]:
        calls.append(1)
        if len(calls) == 2:
            exchange.flushall()
            raise NoConnection("gone")
        return real(self, job_id, token, seconds)

    monkeypatch.setattr(Exchange, "receive", receive)
    workers, _, found = gather(lambda task, n: [done(task)] if task.shard == 0 or len(calls) > 1 else [])
    assert in_order(found)
    assert [task.shard for task in workers.sent] == [0, 1, 2, 1, 2]
    assert exchange.exists("dualtrain:brief:j")


def test_without_workers_it_is_sent_again_once_and_waits_in_the_queue(gather: Callable[..., Any], heard: Heard) -> None:
    sent: list[ShardTask] = []

    def answer(task: ShardTask, n: int) -> list[Rows]:
        sent.append(task)
        return []

    def check() -> None:
        if heard.waits == 3:
            raise Enough

    heard.check = check
    with pytest.raises(Enough):
        gather(answer, shards=1)
    assert len(sent) == 2


def test_patience_never_shrinks(gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    Exchange(exchange).beat(IDLE)
    monkeypatch.setattr(round_module, "LONGEST_SECONDS", 0.01)
    started = time.monotonic()
    gather(lambda task, n: [done(task)] if n == 3 else [], shards=1)
    assert time.monotonic() - started >= 2 * 0.05


def test_patience_doubles_up_to_its_longest(
    gather: Callable[..., Any], exchange: Redis, heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        Exchange(exchange).beat(IDLE)
        return [done(task)] if n == 4 else []

    monkeypatch.setattr(round_module, "LONGEST_SECONDS", 0.1)
    gather(answer, shards=1)
    assert heard.messages == [f"nothing came for {seconds} s" for seconds in ("0.05", "0.10", "0.10")]


@pytest.mark.parametrize(
    ("durations", "seconds"),
    [([], FIRST_SECONDS), ([1e-6], FLOOR_SECONDS), ([1.0, 2.0, 60.0], FACTOR * 2.0)],
)
def test_a_shard_is_late_after_some_median_rounds(durations: list[float], seconds: float) -> None:
    assert deadline_seconds(durations) == seconds


@pytest.mark.parametrize(
    ("doing", "looks"),
    [
        (Doing(job="j", step=7, shard=0), 3),
        (Doing(job="j", step=6, shard=0), 1),
        (Doing(job="another", step=7, shard=0), 1),
        (None, 1),
    ],
)
def test_a_shard_is_not_sent_again_while_a_worker_is_at_its_round(
    gather: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, doing: Doing | None, looks: int
) -> None:
    real, looked = Exchange.workers, []

    def workers(self: Exchange) -> list[Worker]:
        looked.append(1)
        self.beat(IDLE.model_copy(update={"doing": doing if len(looked) < 3 else None}))
        return real(self)

    monkeypatch.setattr(Exchange, "workers", workers)
    ours, _, found = gather(lambda task, n: [done(task)] if n == 2 else [], shards=1)
    assert in_order(found)
    assert (named(ours.sent), len(looked)) == (of(7, 0, 0), looks)


def test_what_a_lost_host_had_is_sent_again_soon_after_its_heartbeat_expired(
    gather: Callable[..., Any], heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, looked = Exchange.workers, []

    def workers(self: Exchange) -> list[Worker]:
        looked.append(1)
        doing = Doing(job="j", step=7, shard=0) if len(looked) <= 20 else None
        self.beat(IDLE.model_copy(update={"doing": doing}))
        return real(self)

    monkeypatch.setattr(Exchange, "workers", workers)
    monkeypatch.setattr(round_module, "LOOK_SECONDS", 0.01)
    gather(lambda task, n: [done(task)] if n == 2 else [], shards=1)
    assert heard.messages == ["nothing came for 0.25 s"]  # its patience of 0.05 s did not double with each look
