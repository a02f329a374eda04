"""The rounds of a job: what is put off until the next one, and for how many workers they are planned."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from core.store import Exchange
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

    def away(self: Exchange) -> int:
        raise NoConnection("gone")

    monkeypatch.setattr(Exchange, "count_workers", away)
    gatherer.look()
    assert gatherer.plans.workers == 1
