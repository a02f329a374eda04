"""Sweeps in the store: written once, moved by their table, and jobs that are created once."""

import pytest
from redis import Redis

from dualtrain.core.job import ENDED, Job, Status, SweepRef
from dualtrain.core.store import Jobs
from dualtrain.core.store.sweeps import SweepConflict, SweepRecord, Sweeps, UnknownSweep
from dualtrain.core.sweep.steps import Rung, SweepStatus
from dualtrain.core.sweep.table import Outcome

NOW = "2026-01-01T00:00:00.000Z"


def record(sweep_id: str = "sweep-000000000001", owner: str | None = None) -> SweepRecord:
    return SweepRecord(id=sweep_id, name="estimators", owner=owner, created_at=NOW, spec={"seeds": 3})


def job(job_id: str = "job-000000000001", sweep_id: str = "sweep-000000000001") -> Job:
    reference = SweepRef(id=sweep_id, cell="base", seed=0)
    return Job(id=job_id, name="", status=Status.QUEUED, created_at=NOW, spec={"metadata": {}}, sweep=reference)


def test_a_sweep_is_kept_as_it_was_written(store: Redis) -> None:
    sweeps = Sweeps(store)
    sweeps.create(record())
    sweeps.create(record().model_copy(update={"name": "another"}))
    assert sweeps.get(record().id) == record()
    assert [sweep.id for _, sweep in sweeps.newest()] == [record().id]
    assert sweeps.live() == [record().id]


def test_the_newest_sweep_comes_first_and_pages_go_on_below_a_number(store: Redis) -> None:
    sweeps = Sweeps(store)
    for i in range(3):
        sweeps.create(record(f"sweep-00000000000{i}"))
    listed = list(sweeps.newest())
    assert [sweep.id[-1] for _, sweep in listed] == ["2", "1", "0"]
    assert list(sweeps.newest(below=listed[0][0])) == listed[1:]


def test_only_legal_changes_of_status_are_made(store: Redis) -> None:
    sweeps = Sweeps(store)
    sweeps.create(record())
    sweeps.move(record().id, SweepStatus.PAUSED)
    with pytest.raises(SweepConflict, match="is paused"):
        sweeps.move(record().id, SweepStatus.SUCCEEDED)
    sweeps.move(record().id, SweepStatus.CANCELLED)
    sweeps.move(record().id, SweepStatus.CANCELLED)  # a second time changes nothing
    assert sweeps.get(record().id).finished_at is not None
    with pytest.raises(UnknownSweep):
        sweeps.move("sweep-ffffffffffff", SweepStatus.PAUSED)


def test_a_comparison_that_two_processes_write_is_kept_once(store: Redis) -> None:
    sweeps = Sweeps(store)
    sweeps.create(record())
    before = sweeps.get(record().id)
    for _ in range(2):
        sweeps.decide(before, Rung(200, (0, 2)))
    assert sweeps.get(record().id).rungs == (Rung(200, (0, 2)),)


def test_a_job_of_a_sweep_is_created_once_even_after_it_was_deleted(store: Redis) -> None:
    sweeps, jobs = Sweeps(store), Jobs(store)
    sweeps.create(record())
    for _ in range(2):
        jobs.create(job(), 5, 10)
    assert jobs.count(Status.QUEUED) == 1
    assert jobs.get(job().id).sweep == job().sweep
    jobs.move(job().id, Status.CANCELLED)
    assert Status.CANCELLED in ENDED
    jobs.delete(job().id)
    jobs.create(job(), 5, 10)
    assert list(jobs.several([job().id])) == []
    assert sweeps.created(record().id) == {job().id}


def test_outcomes_outlive_their_jobs_and_go_with_the_sweep(store: Redis) -> None:
    sweeps = Sweeps(store)
    sweeps.create(record())
    outcome = Outcome(job_id=job().id, cell=0, seed=0, status="succeeded", test_accuracy=0.9, passes=10)
    sweeps.record(record().id, [outcome])
    assert sweeps.outcomes(record().id) == {job().id: outcome}
    with pytest.raises(SweepConflict, match="cannot become deleted"):
        sweeps.delete(record().id)
    sweeps.move(record().id, SweepStatus.SUCCEEDED)
    sweeps.delete(record().id)
    assert sweeps.outcomes(record().id) == {}
    assert store.keys("dualtrain:sweep*") == [b"dualtrain:sweeps:sequence"]
