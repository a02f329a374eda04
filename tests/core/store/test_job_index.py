"""The index of jobs: as new as the store at every question, also after it was emptied or written by others."""

import time

import pytest
from redis import Redis

from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.store import Jobs, keys
from dualtrain.core.store.job_index import JobIndex


@pytest.fixture
def jobs(store: Redis) -> Jobs:
    return Jobs(store)


def create(jobs: Jobs, *names: str) -> None:
    for name in names:
        jobs.create(Job(id=name, name=name, status=Status.QUEUED, created_at=now(), spec={"seed": 3}), 5, 100_000)


def statuses(index: JobIndex) -> dict[str, str]:
    return {row.id: row.status.value for row in index.rows()}


def test_each_change_is_seen_by_the_next_question(store: Redis, jobs: Jobs) -> None:
    index = JobIndex(store)
    assert statuses(index) == {}
    create(jobs, "a", "b")
    assert statuses(index) == {"a": "queued", "b": "queued"}
    jobs.move("a", Status.RUNNING)
    assert statuses(index) == {"a": "running", "b": "queued"}
    jobs.move("b", Status.CANCELLED)
    jobs.delete("b")
    create(jobs, "c")
    assert statuses(index) == {"a": "running", "c": "queued"}


def test_a_store_that_was_emptied_leaves_nothing(store: Redis, jobs: Jobs) -> None:
    index = JobIndex(store)
    create(jobs, "a", "b")
    assert len(index.rows()) == 2
    store.flushall()
    assert statuses(index) == {}
    create(jobs, "c", "d")
    assert set(statuses(index)) == {"c", "d"}
    store.flushall()
    create(jobs, "e", "f")
    assert set(statuses(index)) == {"e", "f"}


def test_jobs_that_an_older_release_wrote_are_read(store: Redis, jobs: Jobs) -> None:
    create(jobs, "a", "b")
    store.delete(keys.VERSION, keys.CHANGES)
    assert set(statuses(JobIndex(store))) == {"a", "b"}


def test_running_time_goes_on(store: Redis, jobs: Jobs) -> None:
    create(jobs, "a")
    jobs.move("a", Status.RUNNING)
    (row,) = JobIndex(store).rows()
    time.sleep(0.05)
    assert 0.04 < (row.duration_seconds or 0.0) < 5
    jobs.move("a", Status.PAUSED)
    (row,) = JobIndex(store).rows()
    paused_after = row.duration_seconds
    time.sleep(0.02)
    assert row.duration_seconds == paused_after
