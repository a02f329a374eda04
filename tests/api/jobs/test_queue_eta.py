"""The queue played through: who starts on which slot, and when."""

from collections.abc import Sequence

import pytest
from redis import Redis

from dualtrain.api.jobs.queue_eta import LONGEST_SECONDS, USUAL_SECONDS, Forecast
from dualtrain.api.security import ANYONE
from dualtrain.core.job import Job, JobProgress, Status
from dualtrain.core.runtime.times import later, now, seconds_between
from dualtrain.core.store import Jobs


def put(jobs: Jobs, name: str, **fields: object) -> Job:
    jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec={}, **fields), 5, 100)  # type: ignore[arg-type]
    return jobs.get(name)


def run(jobs: Jobs, name: str, eta_seconds: float | None) -> None:
    put(jobs, name, progress=JobProgress(eta_seconds=eta_seconds))
    jobs.move(name, Status.RUNNING)


def waits(forecast: Forecast, names: Sequence[str]) -> list[float]:
    """Return in how many seconds each job starts and ends, one after the other; told to the second."""
    shown = [forecast.view(forecast.jobs.get(name), ANYONE) for name in names]
    moments = [moment for one in shown for moment in (one.estimated_start_at, one.estimated_finish_at)]
    return [seconds_between(now(), moment or "") for moment in moments]


def test_each_queued_job_takes_the_slot_that_is_free_first(store: Redis) -> None:
    jobs = Jobs(store)
    run(jobs, "short", 10.0)
    run(jobs, "long", 100.0)
    names = ["first", "second", "third"]
    for name in names:
        put(jobs, name)
    assert USUAL_SECONDS == 60
    assert waits(Forecast(jobs, 2), names) == pytest.approx([10, 70, 70, 130, 100, 160], abs=2)
    assert waits(Forecast(jobs, 3), names) == pytest.approx([0, 60, 10, 70, 60, 120], abs=2)


def test_a_queued_job_says_why_it_waits(store: Redis) -> None:
    """Two long jobs blocked everything behind them, and nothing said so."""
    jobs = Jobs(store)
    run(jobs, "long", 100.0)
    waiting = put(jobs, "waiting")
    reason = Forecast(jobs, 1).view(waiting, ANYONE).status_reason
    assert reason is not None
    assert reason.code == "waiting_for_place"
    assert "at a time: 1" in reason.message
    assert Forecast(jobs, 2).view(waiting, ANYONE).status_reason is None


def test_a_job_takes_as_long_as_those_that_succeeded(store: Redis) -> None:
    jobs = Jobs(store)
    for name, seconds in (("one", 20.0), ("two", 40.0)):
        put(jobs, name, started_at=later(-seconds))
        for status in (Status.RUNNING, Status.SUCCEEDED):
            jobs.move(name, status)
    put(jobs, "queued")
    assert waits(Forecast(jobs, 1), ["queued"]) == pytest.approx([0, 30], abs=2)


@pytest.mark.parametrize(("eta_seconds", "shown_seconds"), [(12.0, 12.0), (1e30, LONGEST_SECONDS)])
def test_a_running_job_ends_when_it_says(store: Redis, eta_seconds: float, shown_seconds: float) -> None:
    jobs = Jobs(store)
    run(jobs, "job", eta_seconds)
    end = Forecast(jobs, 1).view(jobs.get("job"), ANYONE).estimated_finish_at
    assert seconds_between(now(), end or "") == pytest.approx(shown_seconds, abs=2)


def test_of_a_job_that_has_just_begun_nothing_is_known(store: Redis) -> None:
    jobs = Jobs(store)
    run(jobs, "job", None)
    assert Forecast(jobs, 1).view(jobs.get("job"), ANYONE).estimated_finish_at is None
