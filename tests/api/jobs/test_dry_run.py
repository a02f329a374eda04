"""Times of rounds are measured once, however many ask for them at the same time."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from dualtrain.api.errors.problems import Problem
from dualtrain.api.jobs import dry_run
from dualtrain.core.estimate import Timing
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec


@pytest.fixture(autouse=True)
def measured(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The kinds of rounds that were measured."""
    kinds: list[str] = []

    def timing(kind: str) -> Timing:
        kinds.append(kind)
        time.sleep(0.2)
        return Timing(batch_seconds=float(len(kinds)), update_seconds=0.0, sample_seconds=0.0)

    monkeypatch.setattr(dry_run, "_timing", timing)
    monkeypatch.setattr(dry_run, "_TIMINGS", {})
    monkeypatch.setattr(dry_run, "KEPT_TIMINGS", 2)
    return kinds


def test_who_asks_for_the_same_waits_for_its_answer(measured: list[str]) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(dry_run.timing_of, [JobSpec()] * 8))
    assert len(measured) == 1
    assert {one.batch_seconds for one in found} == {1.0}


def test_the_newest_are_kept(measured: list[str]) -> None:
    for size in (1, 2, 3, 3, 2, 1):
        dry_run.timing_of(JobSpec(batch_size=size))
    assert len(measured) == 4


def test_nobody_waits_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dry_run, "MEASURE_SECONDS", 0.05)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(dry_run.timing_of, JobSpec(batch_size=1))
        time.sleep(0.1)
        with pytest.raises(Problem, match="measured"):
            dry_run.timing_of(JobSpec(batch_size=2))
        other.result()


def test_twice_the_epochs_take_twice_as_long_but_never_longer_than_a_job_may(settings: Settings) -> None:
    once, twice = (dry_run.dry_run(JobSpec(epochs=epochs), settings, 2).estimated_seconds for epochs in (1, 2))
    assert twice == pytest.approx(2 * once)
    limited = JobSpec(epochs=2, max_seconds=once)
    assert dry_run.dry_run(limited, settings, 2).estimated_seconds == once
