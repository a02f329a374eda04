"""What goes ahead of a round, its messages or its tasks, is used once, or void and replaced."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.api.aggregator import plans
from dualtrain.api.aggregator.gatherer import Gatherer
from dualtrain.core.store import Exchange, Rows
from dualtrain.core.store.broker import ShardTask
from tests.api.aggregator.rounds import Heard, Workers, done, failed, in_order, measure, named, of, taken


def ahead(workers: Workers, gatherer: Gatherer) -> list[tuple[int, int]]:
    """Make a round of a job that has the workers to itself; return the steps and shards of what was sent with it."""
    gatherer.plans.alone = lambda: True
    before = len(workers.sent)
    assert in_order(measure(gatherer, 8), step=8)
    return named(workers.sent[before:])


def test_a_job_alone_sends_the_tasks_of_a_round_once_and_with_the_round_before(gather: Callable[..., Any]) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2)
    assert in_order(measure(gatherer, 9), step=9)
    assert len(workers.sent) == 9  # nothing for step 10, which there is not
    assert {lane.retries for lane in gatherer.lanes} == {0}


def test_what_is_offered_is_offered_with_its_round(gather: Callable[..., Any], exchange: Redis) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(one) for one in taken(exchange, task)], taper=True)
    gatherer.plans.alone = lambda: True
    for step in (8, 9):
        assert in_order(measure(gatherer, step), 40, step)
    assert named(workers.sent[-4:]) == of(8, 0, 1) + of(9, 0, 1)
    assert {task.offered for task in workers.sent} == {6}


def test_messages_are_made_a_round_ahead_and_used_once(gather: Callable[..., Any]) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task) if task[2:4] == (9, 1) and n == 1 else done(task)]

    workers, gatherer, _ = gather(answer)
    for step in (8, 9):
        assert in_order(measure(gatherer, step), step=step)
    assert named(workers.made) == of(9, 0, 1, 2)  # nothing was known at step 7
    assert named(workers.sent[6:]) == of(9, 0, 1, 2) + of(9, 1)


def test_messages_that_were_made_outlast_what_is_sent_again_meanwhile(gather: Callable[..., Any]) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task) if task[2:4] == (8, 1) and n == 1 else done(task)]

    workers, gatherer, _ = gather(answer)
    for step in (8, 9):
        measure(gatherer, step)
    assert named(workers.made) == of(9, 0, 1, 2)


def test_tasks_that_were_sent_ahead_need_no_messages(gather: Callable[..., Any]) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    ahead(workers, gatherer)
    measure(gatherer, 9)
    assert workers.made == []


@pytest.mark.parametrize("why", ["another job", "long rounds", "many tasks"])
def test_nothing_is_sent_ahead_where_waiting_would_cost(
    gather: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, why: str
) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    if why == "long rounds":
        gatherer.plans.durations.extend([plans.SHORT_SECONDS + 0.1] * 2)
        assert ahead(workers, gatherer) == of(8, 0, 1, 2)
    elif why == "many tasks":
        monkeypatch.setattr(plans, "AHEAD_TASKS", 2)
        assert ahead(workers, gatherer) == of(8, 0, 1, 2)
    else:
        measure(gatherer, 8)
        assert len(workers.sent) == 6


@pytest.mark.parametrize("outcome", [Rows.LOST, Rows.LEFT, Rows.REFUSED])
def test_a_round_is_sent_anew_when_a_process_that_was_to_wait_for_it_is_gone(
    gather: Callable[..., Any], heard: Heard, outcome: int
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        gone = task._replace(step=9, shard=1)
        return [failed(gone, outcome), done(task)] if task[2:4] == (8, 0) else [done(task)]

    workers, gatherer, _ = gather(answer)
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2)
    workers.waiting.clear()
    assert in_order(measure(gatherer, 9), step=9)
    assert named(workers.sent[9:]) == of(9, 0, 1, 2)
    assert (heard.retries, heard.waits) == ([], 0)


def test_one_that_did_not_wait_long_enough_is_replaced_at_once_and_quietly(
    gather: Callable[..., Any], heard: Heard
) -> None:
    workers, _, _ = gather(lambda task, n: [done(task) if n == 2 else failed(task, Rows.LEFT, "Late")], shards=1)
    assert [task.shard for task in workers.sent] == [0, 0]
    assert heard.retries == []


def test_whoever_waits_for_the_next_round_is_let_go_when_something_is_sent_again(
    gather: Callable[..., Any], exchange: Redis
) -> None:
    def answer(task: ShardTask, n: int) -> list[Rows]:
        return [failed(task, Rows.LOST, "WorkerLostError")] if task[2:4] == (8, 2) and n == 1 else [done(task)]

    workers, gatherer, _ = gather(answer)
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2) + of(8, 2)
    assert Exchange(exchange).read(workers.sent[6], np.dtype(np.float32)) is None
    gatherer.plans.planner.asked = 2  # tasks of the old plan may still be computed, so it must not change
    assert in_order(measure(gatherer, 9), step=9)
    assert named(workers.sent[10:]) == of(9, 0, 1, 2)
    assert {task[3:] for task in workers.sent[6:9]} == {task[3:] for task in workers.sent[10:]}


def test_tasks_that_were_lost_with_the_exchange_are_not_counted_on(
    gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, calls = Exchange.receive, []
    workers, gatherer, _ = gather(lambda task, n: [done(task)])

    def receive(self: Exchange, job_id: str, token: int, seconds: float) -> list[Rows]:
        calls.append(1)
        if len(calls) == 1:
            exchange.flushall()
            workers.waiting.clear()
            raise NoConnection("gone")
        return real(self, job_id, token, seconds)

    monkeypatch.setattr(Exchange, "receive", receive)
    assert ahead(workers, gatherer) == of(8, 0, 1, 2) + of(9, 0, 1, 2) + of(8, 0, 1, 2)
    assert in_order(measure(gatherer, 9), step=9)
    assert named(workers.sent[12:]) == of(9, 0, 1, 2)


def test_tasks_that_were_lost_before_their_round_could_be_sent_are_not_counted_on(
    gather: Callable[..., Any], heard: Heard, monkeypatch: pytest.MonkeyPatch
) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    ahead(workers, gatherer)
    real, calls = Workers.send, []

    def send(self: Workers, *sent: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 1:
            workers.waiting.clear()
            raise NoConnection("gone")
        real(self, *sent, **more)

    monkeypatch.setattr(Workers, "send", send)
    assert in_order(measure(gatherer, 9), step=9)
    assert named(workers.sent[9:]) == of(9, 0, 1, 2)
    assert (heard.retries, heard.waits) == ([], 0)
