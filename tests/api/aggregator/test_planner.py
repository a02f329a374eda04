"""The planner: never more shards than help, never slower than one by its own estimate."""

from hypothesis import given
from hypothesis import strategies as st

from api.aggregator.planner import Planner


def test_a_number_that_the_spec_asks_for_is_kept_within_the_blocks() -> None:
    planner = Planner(asked=8)
    assert planner.shards(units=3, workers=1) == 3
    assert planner.shards(units=20, workers=1) == 8


@given(
    units=st.integers(1, 100),
    workers=st.integers(0, 64),
    compute=st.floats(1e-5, 10),
    task=st.floats(1e-5, 0.1),
)
def test_the_choice_is_the_cheapest_by_its_estimate(units: int, workers: int, compute: float, task: float) -> None:
    planner = Planner(asked=None, compute_seconds=compute, task_seconds=task)
    chosen = planner.shards(units, workers)
    assert 1 <= chosen <= max(1, min(units, workers))
    assert planner.round_seconds(chosen) <= planner.round_seconds(1)


def test_it_learns_that_small_rounds_are_not_worth_cutting() -> None:
    planner = Planner(asked=None)
    assert planner.shards(units=8, workers=4) == 4
    for _ in range(60):
        planner.learn([0.0001] * 4, round_seconds=0.005)
    assert planner.shards(units=8, workers=4) == 1


def test_it_learns_that_large_rounds_are() -> None:
    planner = Planner(asked=None)
    for _ in range(60):
        planner.learn([0.4], round_seconds=0.402)
    assert planner.shards(units=8, workers=4) == 4
