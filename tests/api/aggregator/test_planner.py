"""The planner: never more shards than help, never slower than one by its own estimate."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.aggregator.planner import Planner
from api.aggregator.report import Lane


def test_a_number_that_the_spec_asks_for_is_kept_within_the_blocks() -> None:
    planner = Planner(asked=8)
    assert planner.shards(units=3, workers=1) == 3
    assert planner.shards(units=20, workers=1) == 8


@given(
    units=st.integers(1, 100),
    workers=st.integers(0, 64),
    compute=st.floats(1e-5, 10),
    task=st.floats(1e-5, 0.1),
    wait=st.floats(0, 1),
)
def test_the_choice_is_the_cheapest_by_its_estimate(
    units: int, workers: int, compute: float, task: float, wait: float
) -> None:
    planner = Planner(asked=None, compute_seconds=compute, task_seconds=task, wait=wait)
    chosen = planner.shards(units, workers)
    present = max(1, workers)
    assert 1 <= chosen <= min(units, 4 * present)
    assert planner.round_seconds(chosen, present) <= planner.round_seconds(1, present)


def lanes(*seconds: float, workers: int = 4) -> list[Lane]:
    return [Lane(shard, f"worker {shard % workers}", one, 0) for shard, one in enumerate(seconds)]


def test_it_learns_that_small_rounds_are_not_worth_cutting() -> None:
    planner = Planner(asked=None)
    assert planner.shards(units=8, workers=4) == 4
    for _ in range(60):
        planner.learn(lanes(*[0.0001] * 4), round_seconds=0.005)
    assert planner.shards(units=8, workers=4) == 1


def test_it_learns_that_large_rounds_are() -> None:
    planner = Planner(asked=None)
    for _ in range(60):
        planner.learn(lanes(0.4), round_seconds=0.402)
    assert planner.shards(units=8, workers=4) == 4


def test_it_learns_that_uneven_workers_need_more_shards_than_there_are_workers() -> None:
    even, uneven = Planner(asked=None), Planner(asked=None)
    for _ in range(60):
        even.learn(lanes(0.1, 0.1, workers=2), round_seconds=0.102)
        uneven.learn(lanes(0.1, 0.15, workers=2), round_seconds=0.152)
    assert even.shards(units=100, workers=2) == 2
    assert uneven.shards(units=100, workers=2) == 8
    assert uneven.shards(units=2, workers=2) == 2


def test_what_a_worker_computed_counts_together() -> None:
    planner = Planner(asked=None)
    planner.learn(lanes(0.1, 0.1, 0.1, 0.1, workers=2), round_seconds=0.204)
    assert planner.compute_seconds == pytest.approx(0.4)
    assert planner.task_seconds == pytest.approx(0.001)
