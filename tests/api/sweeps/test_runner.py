"""Sweeps are carried on: each job once, whatever dies; paused, cancelled and halved as a whole."""

import json

import pytest
from redis import Redis

from dualtrain.api.sweeps.runner import SweepRunner
from dualtrain.core.job import Status
from dualtrain.core.store import keys
from dualtrain.core.sweep import SweepStatus
from tests.api.sweeps.conftest import SWEEP, Post

GRID = {"grid": {"batch_size": [16, 32]}, "seeds": 2}


def statuses(runner: SweepRunner) -> dict[str, int]:
    counts = {status.value: runner.jobs.count(status) for status in Status}
    return {status: count for status, count in counts.items() if count}


def finish(runner: SweepRunner, job_id: str, status: Status = Status.SUCCEEDED) -> None:
    if runner.jobs.status(job_id) is Status.QUEUED:
        runner.jobs.move(job_id, Status.RUNNING)
    runner.jobs.move(job_id, status)


def run(store: Redis, runner: SweepRunner, job_id: str, step: int, accuracy: float) -> None:
    """Bring a job to a step, with an evaluation at step 100."""
    if runner.jobs.status(job_id) is Status.QUEUED:
        runner.jobs.move(job_id, Status.RUNNING)
    store.hset(keys.job(job_id), "progress", json.dumps({"step": step}))
    store.rpush(keys.history(job_id), json.dumps({"step": 100, "test_accuracy": accuracy}))


def test_every_job_is_queued_once_and_carries_its_place(post: Post) -> None:
    runner = post(**GRID)
    for _ in range(3):
        runner.advance(SWEEP)
    assert statuses(runner) == {"queued": 4}
    references = [job.sweep for _, job in runner.jobs.newest()]
    assert {(place.cell, place.seed) for place in references if place} == {
        (f"batch_size={size}", seed) for size in (16, 32) for seed in (0, 1)
    }
    assert {job.spec["batch_size"] for _, job in runner.jobs.newest()} == {16, 32}


def test_a_full_queue_takes_the_rest_later(post: Post) -> None:
    runner = post(limit=3, **GRID)
    runner.advance(SWEEP)
    assert statuses(runner) == {"queued": 3}
    finish(runner, runner.jobs.ids(Status.QUEUED)[0])
    runner.advance(SWEEP)
    assert statuses(runner) == {"queued": 3, "succeeded": 1}


def test_a_process_that_dies_between_two_jobs_leaves_none_out(post: Post, monkeypatch: pytest.MonkeyPatch) -> None:
    runner = post(**GRID)
    create = runner.jobs.create

    def dying(*arguments: object) -> None:
        if runner.jobs.count(Status.QUEUED) == 2:
            raise KeyboardInterrupt
        create(*arguments)  # type: ignore[arg-type]

    with monkeypatch.context() as patched:
        patched.setattr(runner.jobs, "create", dying)
        with pytest.raises(KeyboardInterrupt):
            runner.advance(SWEEP)
    runner.advance(SWEEP)
    assert statuses(runner) == {"queued": 4}


def test_a_sweep_ends_with_its_jobs_and_keeps_their_outcomes(post: Post) -> None:
    runner = post(**GRID)
    runner.advance(SWEEP)
    for job_id in runner.jobs.ids(Status.QUEUED):
        finish(runner, job_id)
    for _ in range(2):
        runner.advance(SWEEP)
    assert runner.sweeps.get(SWEEP).status is SweepStatus.SUCCEEDED
    assert runner.sweeps.live() == []
    for job_id in runner.jobs.ids():
        runner.jobs.delete(job_id)
    assert [outcome.status for outcome in runner.sweeps.outcomes(SWEEP).values()] == ["succeeded"] * 4


def test_one_failed_job_fails_the_sweep_after_all_have_ended(post: Post) -> None:
    runner = post(seeds=2)
    runner.advance(SWEEP)
    first, second = runner.jobs.ids(Status.QUEUED)
    finish(runner, first, Status.FAILED)
    runner.advance(SWEEP)
    assert runner.sweeps.get(SWEEP).status is SweepStatus.RUNNING
    finish(runner, second)
    runner.advance(SWEEP)
    assert runner.sweeps.get(SWEEP).status is SweepStatus.FAILED


def test_a_paused_sweep_holds_its_jobs_and_resumes_them(post: Post) -> None:
    runner = post(seeds=3, max_parallel=2)
    runner.advance(SWEEP)
    runner.jobs.move(runner.jobs.ids(Status.QUEUED)[0], Status.RUNNING)
    runner.sweeps.move(SWEEP, SweepStatus.PAUSED)
    runner.advance(SWEEP)
    assert statuses(runner) == {"queued": 1, "paused": 1}
    runner.sweeps.move(SWEEP, SweepStatus.RUNNING)
    runner.advance(SWEEP)
    assert statuses(runner) == {"queued": 1, "running": 1}


def test_a_cancelled_sweep_cancels_its_jobs_and_settles(post: Post) -> None:
    runner = post(**GRID)
    runner.advance(SWEEP)
    runner.jobs.move(runner.jobs.ids(Status.QUEUED)[0], Status.RUNNING)
    runner.sweeps.move(SWEEP, SweepStatus.CANCELLED)
    for _ in range(2):
        runner.advance(SWEEP)
    assert statuses(runner) == {"cancelled": 4}
    assert runner.sweeps.live() == []


def test_halving_compares_cells_at_the_step_and_lets_the_best_go_on(store: Redis, post: Post) -> None:
    runner = post(grid={"batch_size": [16, 32, 64]}, halving={"at_steps": [100], "keep": 0.34}, max_parallel=2)
    runner.advance(SWEEP)
    jobs = {job.spec["batch_size"]: job.id for _, job in runner.jobs.newest()}
    for size, accuracy in ((16, 0.5), (32, 0.9)):
        run(store, runner, jobs[size], 120, accuracy)
    runner.advance(SWEEP)  # both wait at the rung, which makes room for the third
    runner.advance(SWEEP)
    assert statuses(runner) == {"queued": 1, "paused": 2}
    third = runner.jobs.ids(Status.QUEUED)[0]
    run(store, runner, third, 100, 0.7)
    for _ in range(2):
        runner.advance(SWEEP)
    assert statuses(runner) == {"running": 1, "cancelled": 2}
    assert runner.jobs.status(jobs[32]) is Status.RUNNING
    finish(runner, jobs[32])
    runner.advance(SWEEP)
    assert runner.sweeps.get(SWEEP).status is SweepStatus.SUCCEEDED
