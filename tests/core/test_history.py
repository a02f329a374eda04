"""Recorded steps: bounded in number, the same for every run, and nested for jobs that are extended."""

import pytest

from dualtrain.core.history import MAX_POINTS, RecordedSteps


def recorded(total_steps: int, evaluate_every: int, length: int = 1) -> list[int]:
    steps = RecordedSteps(total_steps, evaluate_every)
    ends = [*range(length, total_steps, length), total_steps]
    return [after for before, after in zip([0, *ends], ends, strict=False) if steps.due(before, after)]


@pytest.mark.parametrize("total", [1, 2, 499, 500, 501, 938, 1000, 46_900, 250_000])
@pytest.mark.parametrize("every", [1, 7, 100, 1_000_000])
def test_about_a_thousand_points_are_recorded_with_the_first_and_the_last(total: int, every: int) -> None:
    steps = recorded(total, every)
    assert steps[0] == 1
    assert steps[-1] == total
    assert len(steps) <= MAX_POINTS + 2
    assert len(steps) >= min(total, MAX_POINTS // 4)


def test_short_jobs_have_every_step() -> None:
    assert recorded(300, 100) == list(range(1, 301))


def test_evaluations_are_recorded_between_the_others() -> None:
    steps = recorded(46_900, 100)
    assert {100, 200, 46_800} <= set(steps)


def test_rounds_of_many_steps_are_recorded_where_they_pass_a_recorded_step() -> None:
    assert recorded(2000, 1000, length=3)[:3] == [3, 6, 9]
    assert recorded(46_900, 1000, length=50)[:4] == [50, 150, 300, 400]


@pytest.mark.parametrize(("short", "long"), [(300, 900), (938, 2814), (938, 93_800)])
def test_an_extended_job_keeps_exactly_the_points_of_the_longer_one(short: int, long: int) -> None:
    points = [{"step": step} for step in recorded(short, 100)]
    kept = [point["step"] for point in RecordedSteps(long, 100).thinned(points)]
    assert kept == [step for step in recorded(long, 100) if step <= short]
