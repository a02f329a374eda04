"""The planner: bundles for short rounds, shards for long ones, by its own estimate; shards that taper off."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dualtrain.core.scheduling import BUNDLE, FIRST_WAVE, SMALLEST_SECONDS, Lane, Planner, taper


def test_a_number_that_the_spec_asks_for_is_kept_within_the_blocks() -> None:
    planner = Planner(requested=8)
    assert planner.choose(units=3, workers=1).shares == (1 / 3,) * 3
    assert planner.choose(units=20, workers=1).shares == (1 / 8,) * 8


@given(
    units=st.integers(1, 100),
    workers=st.integers(0, 64),
    compute=st.floats(1e-5, 10),
    overhead=st.floats(1e-5, 0.1),
)
@example(units=100, workers=64, compute=1.0, overhead=0.04)
def test_the_choice_is_the_cheapest_by_its_estimate(units: int, workers: int, compute: float, overhead: float) -> None:
    planner = Planner(requested=None, compute_seconds=compute, share_overhead=overhead)
    choice = planner.choose(units, workers)
    best = min(planner.shared_seconds(count) for count in range(1, min(units, max(1, workers)) + 1))
    assert choice.is_bundle == (planner.bundled_seconds() <= best)
    assert len(choice.shares) <= units
    if len(choice.shares) > max(1, workers):
        assert min(choice.shares) * compute >= SMALLEST_SECONDS


def test_short_rounds_are_bundled_and_long_ones_shared() -> None:
    short, long = Planner(requested=None, compute_seconds=0.001), Planner(requested=None, compute_seconds=0.1)
    assert short.choose(units=100, workers=2) is BUNDLE
    assert long.choose(units=100, workers=1) is BUNDLE
    assert len(long.choose(units=100, workers=2).shares) == 6
    assert len(long.choose(units=3, workers=2).shares) == 2


@given(workers=st.integers(1, 64), waves=st.integers(1, 8))
def test_each_wave_after_the_first_has_half_of_what_is_left(workers: int, waves: int) -> None:
    shares = taper(workers, waves).shares
    work = [sum(shares[wave * workers : (wave + 1) * workers]) for wave in range(waves)]
    assert len(shares) == workers * waves
    assert sum(work) == pytest.approx(1)
    for wave in range(1, waves - 1):
        assert work[wave] == pytest.approx(sum(work[wave:]) / 2)
    assert waves == 1 or work[0] == pytest.approx(FIRST_WAVE)


def lanes(*seconds: float, workers: int = 4) -> list[Lane]:
    return [Lane(shard, f"worker {shard % workers}", one, 0) for shard, one in enumerate(seconds)]


def test_it_learns_that_small_rounds_are_not_worth_sharing() -> None:
    planner = Planner(requested=None)
    assert len(planner.choose(units=8, workers=4).shares) == 4
    planner.learn_shared(lanes(*[0.0001] * 4), seconds=0.005)
    assert planner.choose(units=8, workers=4) is BUNDLE


def test_it_learns_that_large_rounds_are() -> None:
    planner = Planner(requested=None)
    for _ in range(60):
        planner.learn_bundle(lanes(0.4)[0], 1, seconds=0.402)
    assert len(planner.choose(units=4, workers=4).shares) == 4


def test_first_rounds_that_load_code_and_data_do_not_count_for_long() -> None:
    planner = Planner(requested=None)
    planner.learn_shared(lanes(3.0, 3.0), seconds=9.0)
    for _ in range(2):
        planner.learn_shared(lanes(0.001, 0.001), seconds=0.003)
    assert planner.compute_seconds == pytest.approx(0.002)
    assert planner.choose(units=8, workers=2) is BUNDLE


def test_sharing_that_was_dear_once_is_tried_again() -> None:
    planner = Planner(requested=None, compute_seconds=0.1, share_overhead=1.0, measured=10)
    assert planner.choose(units=8, workers=2) is BUNDLE
    for _ in range(200):
        planner.learn_bundle(lanes(0.1)[0], 1, seconds=0.102)
    assert not planner.choose(units=8, workers=2).is_bundle


def test_jobs_that_share_the_workers_leave_each_other_their_parts() -> None:
    planner = Planner(requested=None, compute_seconds=0.02)
    assert len(planner.choose(units=4, workers=4).shares) == 4
    for _ in range(20):
        planner.observe(2)
    assert len(planner.choose(units=4, workers=4).shares) == 2
    assert "of 4 workers 2.0 are at other jobs, so 2 are counted on" in planner.reasons
    for _ in range(20):
        planner.observe(4)
    assert planner.choose(units=4, workers=4) is BUNDLE
    for _ in range(20):
        planner.observe(0)
    assert len(planner.choose(units=4, workers=4).shares) == 4


def test_a_small_job_beside_it_takes_nothing_from_a_large_one() -> None:
    planner = Planner(requested=None, compute_seconds=0.02)
    for at in range(40):
        planner.observe(at % 5 == 0)
    assert len(planner.choose(units=4, workers=4).shares) == 4


def test_what_a_worker_computed_counts_together() -> None:
    planner = Planner(requested=None, measured=10)
    planner.learn_shared(lanes(0.1, 0.1, 0.1, 0.1, workers=2), seconds=0.204)
    assert planner.compute_seconds == pytest.approx(0.4)
