"""The planner: never more tasks than help, the fastest number by its own estimate; shards that taper off."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dualtrain.api.aggregator.report import Lane
from dualtrain.core.scheduling import AHEAD, SMALLEST_SECONDS, Planner, taper


def test_a_number_that_the_spec_asks_for_is_kept_within_the_blocks() -> None:
    planner = Planner(asked=8)
    assert planner.cut(units=3, workers=1) == ([1 / 3] * 3, 3)
    assert planner.cut(units=20, workers=1) == ([1 / 8] * 8, 8)


@given(
    units=st.integers(1, 100),
    workers=st.integers(0, 64),
    compute=st.floats(1e-5, 10),
    task=st.floats(1e-5, 0.1),
)
@example(units=100, workers=64, compute=1.0, task=0.04)
def test_the_choice_is_the_cheapest_by_its_estimate(units: int, workers: int, compute: float, task: float) -> None:
    planner = Planner(asked=None, compute_seconds=compute, task_seconds=task)
    cut = planner.cut(units, workers)
    most = min(units, max(1, workers))
    assert 1 <= cut.tasks <= most
    assert cut.tasks <= len(cut.shares) <= units
    assert planner.round_seconds(cut.tasks, workers) == min(
        planner.round_seconds(tasks, workers) for tasks in range(1, most + 1)
    )
    if len(cut.shares) > cut.tasks:
        assert min(cut.shares) * compute >= SMALLEST_SECONDS


def test_more_tasks_are_sent_until_one_more_costs_more_than_it_saves() -> None:
    planner = Planner(asked=None, compute_seconds=1.0, task_seconds=0.04)
    seconds = [1 / tasks + 0.04 * tasks for tasks in range(1, 8)]
    assert [planner.round_seconds(tasks, 64) for tasks in range(1, 8)] == pytest.approx(seconds)
    assert planner.cut(units=100, workers=64).tasks == 5


@given(tasks=st.integers(1, 64), waves=st.integers(1, 8))
def test_each_wave_after_the_first_has_half_of_what_is_left(tasks: int, waves: int) -> None:
    shares, sent = taper(tasks, waves)
    work = [sum(shares[wave * tasks : (wave + 1) * tasks]) for wave in range(waves)]
    assert (len(shares), sent) == (tasks * waves, tasks)
    assert sum(work) == pytest.approx(1)
    for wave in range(1, waves - 1):
        assert work[wave] == pytest.approx(sum(work[wave:]) / 2)
    assert waves == 1 or work[0] == pytest.approx(AHEAD)


def lanes(*seconds: float, workers: int = 4) -> list[Lane]:
    return [Lane(shard, f"worker {shard % workers}", one, 0) for shard, one in enumerate(seconds)]


def test_it_learns_that_small_rounds_are_not_worth_cutting() -> None:
    planner = Planner(asked=None)
    assert planner.cut(units=8, workers=4).tasks == 4
    for _ in range(60):
        planner.learn(lanes(*[0.0001] * 4), round_seconds=0.005)
    assert planner.cut(units=8, workers=4).tasks == 1


def test_it_learns_that_large_rounds_are() -> None:
    planner = Planner(asked=None)
    for _ in range(60):
        planner.learn(lanes(0.4), round_seconds=0.402)
    assert planner.cut(units=8, workers=4).tasks == 4


def test_jobs_that_share_the_workers_leave_each_other_their_parts() -> None:
    planner = Planner(asked=None, compute_seconds=0.4, task_seconds=0.001)
    assert planner.cut(units=8, workers=4).tasks == 4
    for _ in range(20):
        planner.look(2)
    assert planner.cut(units=8, workers=4).tasks == 2
    assert "of 4 workers 2.0 are at other jobs, so 2 are counted on" in planner.reasons
    for _ in range(20):
        planner.look(4)
    assert planner.cut(units=8, workers=4).tasks == 1
    for _ in range(20):
        planner.look(0)
    assert planner.cut(units=8, workers=4).tasks == 4


def test_a_small_job_beside_it_takes_nothing_from_a_large_one() -> None:
    planner = Planner(asked=None, compute_seconds=0.4)
    for at in range(40):
        planner.look(at % 5 == 0)
    assert planner.cut(units=8, workers=4).tasks == 4


def test_rounds_that_take_long_leave_something_for_who_is_done() -> None:
    long, short = Planner(asked=None, compute_seconds=0.2), Planner(asked=None, compute_seconds=0.01)
    assert len(long.cut(units=100, workers=2).shares) == 10
    assert len(long.cut(units=5, workers=2).shares) == 4
    assert len(short.cut(units=100, workers=2).shares) == 2
    assert len(long.cut(units=100, workers=1).shares) == 1


def test_what_a_worker_computed_counts_together() -> None:
    planner = Planner(asked=None)
    planner.learn(lanes(0.1, 0.1, 0.1, 0.1, workers=2), round_seconds=0.204)
    assert planner.compute_seconds == pytest.approx(0.4)
    assert planner.task_seconds == pytest.approx(0.002)
