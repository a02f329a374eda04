"""Jobs that cannot be run, or not here: how they end, what they tell and leave. None of them needs a worker."""

import threading
from typing import Any

import numpy as np
import pytest

from api.aggregator.report import Report
from api.aggregator.runner import Runner
from api.aggregator.saved import Origin, to_checkpoint
from api.aggregator.services import Services
from api.aggregator.writer import Writer
from core.data import load
from core.job import Job, Status, new_id, now
from core.settings import Settings
from core.spec import JobSpec
from core.store import Lease, Told
from core.store.broker import ShardTask
from core.store.documents import HISTORY_POINTS
from core.training import Training

SHORT: dict[str, Any] = {"max_steps": 1}


def taken(services: Services, spec: dict[str, Any], name: str = "job-runner") -> Lease:
    """Create a job and return its lease."""
    services.jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 10)
    lease = services.leases.acquire(name)
    assert lease is not None
    return lease


def run(services: Services, spec: dict[str, Any], kept: Origin | None = None) -> tuple[Job, Runner]:
    """Run a job whose last checkpoint, if any, is of the origin `kept`; return it and its runner.

    The aggregator stops before the first round: a job that could begin stays as it is.
    """
    lease = taken(services, spec)
    if kept is not None:
        training = Training(JobSpec.model_validate(spec), load("mnist", 12, services.settings.data_dir, ()))
        checkpoint = to_checkpoint(training.initial(), Report(training), kept)
        services.checkpoints.save(lease, checkpoint, {}, keep=1)
    stopping = threading.Event()
    stopping.set()
    runner = Runner(services, lease, stopping, Writer(services, lease))
    runner.run()
    return services.jobs.get(lease.job_id), runner


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services.open(settings)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"dataset": {"name": "nobody/nothing"}}, "data_unavailable", "nobody/nothing"),
        ({"initial_weights": "job-of-nobody"}, "weights_unavailable", "job-of-nobody"),
        ({"epochs": "many"}, "internal_error", "ValidationError"),
    ],
)
def test_a_job_that_cannot_begin_fails_and_says_why(
    services: Services, change: dict[str, Any], code: str, words: str
) -> None:
    job, runner = run(services, {**SHORT, **change})
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == code
    assert words in job.status_reason.message
    assert not runner.shun


def test_an_alias_does_not_stand_in_for_a_job_that_is_gone(services: Services) -> None:
    training = Training(JobSpec(), load("mnist", 12, services.settings.data_dir, ()))
    lease, gone = services.leases.acquire("job-other"), new_id()
    assert lease is not None
    checkpoint = to_checkpoint(training.initial(), Report(training), Origin("", ""))
    services.checkpoints.save(lease, checkpoint, {}, keep=1)
    services.documents.put_alias(gone, {"job_id": "job-other", "step": None})
    job, _ = run(services, {**SHORT, "initial_weights": gone})
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == "weights_unavailable"


@pytest.mark.parametrize("other", ["code", "numerics"])
def test_a_job_that_other_code_began_waits_for_it_and_says_so(services: Services, other: str) -> None:
    here = Origin.here(load("mnist", 12, services.settings.data_dir, ()).sha256)
    job, runner = run(services, SHORT, Origin(**{"code": here.code, "numerics": here.numerics, other: "older"}))
    assert job.status is Status.RUNNING
    assert job.status_reason is not None
    assert job.status_reason.code == "waiting_for_version"
    assert "older" in job.status_reason.message
    assert runner.shun


def test_nobody_waits_for_a_round_of_a_job_that_was_left(services: Services) -> None:
    job, runner = run(services, SHORT)
    assert job.status is Status.RUNNING
    awaited = ShardTask(job.id, runner.lease.token, 0, 0, 1, 0, 1)
    assert services.exchange.read(awaited, np.dtype(np.float32), 0.05) is None


def test_a_checkpoint_brings_a_long_history_back_under_its_limit(services: Services) -> None:
    lease = taken(services, SHORT)
    points = [Told("step", step, {}, {"step": step, "test_accuracy": None}) for step in range(HISTORY_POINTS + 1)]
    services.jobs.commit(lease, points)
    training = Training(JobSpec.model_validate(SHORT), load("mnist", 12, services.settings.data_dir, ()))
    Writer(services, lease).save(Report(training), training.initial(), Origin("", ""))
    assert len(services.documents.history(lease.job_id)) < HISTORY_POINTS
