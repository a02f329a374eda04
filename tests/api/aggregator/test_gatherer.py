"""The rounds of a job: what is put off until the next one, and for how many workers they are planned."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.core.store import Doing, Exchange, Worker
from tests.api.aggregator.rounds import IDLE, Heard, done, measure


def test_what_is_pending_is_written_once_the_next_round_is_with_the_workers(
    gather: Callable[..., Any], heard: Heard
) -> None:
    workers, gatherer, _ = gather(lambda task, n: [done(task)])
    seen: list[int] = []
    gatherer.pending.append(lambda: seen.append(len(workers.sent)))
    assert heard.rounds == []
    measure(gatherer, 8)
    measure(gatherer, 9)
    assert seen == [6]  # the three shards of the round before, and the three of this one; and once only
    assert [[lane.shard for lane in lanes] for _, lanes in heard.rounds] == [[0, 1, 2]] * 2
    assert [seconds for seconds, _ in heard.rounds] == list(gatherer.plans.durations)[:2]


def test_who_cannot_be_seen_for_a_while_is_still_planned_for(
    gather: Callable[..., Any], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, gatherer, _ = gather(lambda task, n: [done(task)])
    Exchange(exchange).beat(IDLE)
    gatherer.look()
    assert gatherer.plans.workers == 1

    def away(self: Exchange) -> list[Worker]:
        raise NoConnection("gone")

    monkeypatch.setattr(Exchange, "workers", away)
    gatherer.look()
    assert gatherer.plans.workers == 1


def test_who_is_at_another_job_is_counted_on_less_and_less(gather: Callable[..., Any], exchange: Redis) -> None:
    _, gatherer, _ = gather(lambda task, n: [done(task)])
    ours = gatherer.plans.lease.job_id
    for name, job in (("a", ours), ("b", "another"), ("c", "another"), ("d", None)):
        doing = Doing(job=job, step=0, shard=0) if job else None
        Exchange(exchange).beat(IDLE.model_copy(update={"id": name, "doing": doing}))
    for _ in range(20):
        gatherer.look()
    assert gatherer.plans.workers == 4
    assert gatherer.plans.planner.elsewhere == pytest.approx(2, rel=0.02)
