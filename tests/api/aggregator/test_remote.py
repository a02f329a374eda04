"""What is sent of rounds, bundles and evaluations, what is made of the results, and for how many workers."""

from collections.abc import Callable

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.core.rounds import State
from dualtrain.core.store import Doing, Exchange, Worker, keys
from dualtrain.core.store.broker import Kind
from tests.api.aggregator.rounds import IDLE, LEASE, Scene, done, in_order


def bundling(scene: Callable[..., Scene]) -> Scene:
    """Rounds that are so short that they are bundled."""
    rounds = scene(lambda task, times: [done(task)], shards=None)
    rounds.remote.planner.compute_seconds = 1e-4
    return rounds


def test_short_rounds_are_bundled_up_to_the_step_where_something_is_due(scene: Callable[..., Scene]) -> None:
    rounds = bundling(scene)
    state, points = rounds.remote.begin(State(7, np.zeros(3, np.float32), passes=100), evaluate=False, stop=10).rounds()
    (task,) = rounds.sent
    assert (task.kind, task.first, task.last) == (Kind.BUNDLE, 7, 10)
    assert (state.step, state.passes, state.parameters.tolist()) == (10, 103, [10, 10, 10])
    assert [(point["step"], point["passes"]) for point in points] == [(10, 103)]


def test_a_number_of_shards_that_is_asked_for_is_never_bundled(scene: Callable[..., Scene]) -> None:
    rounds = scene(lambda task, times: [done(task)], shards=2)
    rounds.remote.planner.compute_seconds = 1e-4
    assert in_order(rounds.run())
    assert [task.kind for task in rounds.sent] == [Kind.SHARD] * 2


@pytest.mark.parametrize("shards", [None, 3])
def test_an_evaluation_goes_along_with_the_work_that_follows(scene: Callable[..., Scene], shards: int | None) -> None:
    rounds = bundling(scene) if shards is None else scene(lambda task, times: [done(task)], shards=shards)
    work = rounds.remote.begin(State(7, np.zeros(3, np.float32)), evaluate=True, stop=10)
    assert [task.kind for task in rounds.sent][0] is Kind.EVALUATION
    evaluation = work.evaluation()
    assert (evaluation.step, evaluation.test_accuracy) == (7, 0.5)
    state, _ = work.rounds()
    assert state.step > 7
    assert len(rounds.sent) == 1 + (shards or 1)


def test_at_the_end_there_is_nothing_but_the_evaluation(scene: Callable[..., Scene]) -> None:
    rounds = scene(lambda task, times: [done(task)])
    assert rounds.remote.begin(State(7, np.zeros(3)), evaluate=True, stop=None).evaluation().test_accuracy == 0.5
    assert [task.kind for task in rounds.sent] == [Kind.EVALUATION]
    rounds.remote.begin(State(8, np.zeros(3)), evaluate=False, stop=None)
    assert len(rounds.sent) == 1


def test_what_a_job_is_is_written_again_before_it_expires(
    scene: Callable[..., Scene], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    rounds = scene(lambda task, times: [done(task)])
    rounds.run(7)
    assert exchange.exists(keys.brief(LEASE.job_id))
    exchange.delete(keys.brief(LEASE.job_id))
    rounds.run(8)
    assert not exchange.exists(keys.brief(LEASE.job_id))
    monkeypatch.setattr("dualtrain.api.aggregator.dispatch.EXPIRES_SECONDS", 0)
    rounds.run(9)
    assert exchange.exists(keys.brief(LEASE.job_id))


def test_workers_that_cannot_be_seen_for_a_while_are_still_planned_for(
    scene: Callable[..., Scene], exchange: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = scene(lambda task, times: [done(task)]).remote
    Exchange(exchange).beat(IDLE)
    remote.count_workers()
    assert remote.link.workers == 1

    def away(self: Exchange) -> list[Worker]:
        raise NoConnection("gone")

    monkeypatch.setattr(Exchange, "workers", away)
    remote.count_workers()
    assert remote.link.workers == 1


def test_workers_at_other_jobs_are_counted_on_less_and_less(scene: Callable[..., Scene], exchange: Redis) -> None:
    remote = scene(lambda task, times: [done(task)]).remote
    for name, job in (("a", LEASE.job_id), ("b", "another"), ("c", "another"), ("d", None)):
        doing = Doing(job=job, step=0, shard=0) if job else None
        Exchange(exchange).beat(IDLE.model_copy(update={"id": name, "doing": doing}))
    for _ in range(20):
        remote.count_workers()
    assert remote.link.workers == 4
    assert remote.planner.elsewhere == pytest.approx(2, rel=0.02)
