"""What is written of a running job, when the store is away now and then; how often it has a checkpoint."""

import time

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.api.aggregator import writer as writer_module
from dualtrain.api.aggregator.report import Report
from dualtrain.api.aggregator.saved import Origin
from dualtrain.api.aggregator.services import Services
from dualtrain.api.aggregator.writer import Writer
from dualtrain.core.job import Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import Jobs, Lease
from tests.api.aggregator.test_runner import taken, training_of


def test_a_reason_that_could_not_be_written_is_written_the_next_time(
    settings: Settings, store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    services, jobs = Services.open(settings), Jobs(store)
    writer = Writer(services, taken(services, {}, "job-writer"))
    jobs.move("job-writer", Status.RUNNING)

    def away(*_: object, **__: object) -> Status:
        raise NoConnection("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "commit", away)
        with pytest.raises(NoConnection):
            writer.because("waiting_for_workers", "No worker is running.")
    assert jobs.get("job-writer").status_reason is None
    writer.because("waiting_for_workers", "No worker is running.")
    reason = jobs.get("job-writer").status_reason
    assert reason is not None
    assert reason.code == "waiting_for_workers"


@pytest.mark.parametrize(
    ("took_seconds", "ago_seconds", "due"),
    [(0.0, 900.0, False), (0.0, 1100.0, True), (200.0, 1900.0, False), (200.0, 2100.0, True)],
)
def test_a_checkpoint_is_due_when_the_last_is_long_enough_ago_and_later_when_that_took_long(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, took_seconds: float, ago_seconds: float, due: bool
) -> None:
    monkeypatch.setattr(writer_module, "CHECKPOINT_SECONDS", 1000.0)
    monkeypatch.setattr(writer_module, "SAVING_SHARE", 0.1)
    services, saved_at = Services.open(settings), time.monotonic() - ago_seconds
    writer = Writer(services, Lease("job-writer", 1), saved_at=saved_at, save_seconds=took_seconds)
    assert writer.save_due() is due


def test_a_checkpoint_that_was_just_written_is_not_due_again(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "CHECKPOINT_SECONDS", 1000.0)
    services = Services.open(settings)
    writer, training = Writer(services, taken(services, {}, "job-writer")), training_of(services, {})
    writer.saved_at = time.monotonic() - 1100.0
    writer.save(Report(training), training.initial(), Origin("", ""))
    assert not writer.save_due()
