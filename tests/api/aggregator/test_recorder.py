"""What is written of a running job, when the store is away now and then; how often it has a checkpoint."""

import time

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.api.aggregator import recorder as recorder_module
from dualtrain.api.aggregator.progress import Report
from dualtrain.api.aggregator.recorder import Notices, Recorder
from dualtrain.api.aggregator.stores import Stores
from dualtrain.core.job import Status
from dualtrain.core.runtime.fingerprint import Origin
from dualtrain.core.settings import Settings
from dualtrain.core.store import Jobs
from tests.api.aggregator.test_runner import control_of, taken, training_of


def test_a_reason_that_could_not_be_written_is_written_the_next_time(
    settings: Settings, store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    stores, jobs = Stores.open(settings), Jobs(store)
    notices = Notices(stores, control_of(taken(stores, {}, "job-writer")))
    jobs.move("job-writer", Status.RUNNING)

    def away(*_: object, **__: object) -> Status:
        raise NoConnection("gone")

    with monkeypatch.context() as patched:
        patched.setattr(Jobs, "commit", away)
        with pytest.raises(NoConnection):
            notices.explain("waiting_for_workers", "No worker is running.")
    assert jobs.get("job-writer").status_reason is None
    notices.explain("waiting_for_workers", "No worker is running.")
    reason = jobs.get("job-writer").status_reason
    assert reason is not None
    assert reason.code == "waiting_for_workers"


@pytest.fixture
def recorder(settings: Settings) -> Recorder:
    stores = Stores.open(settings)
    control = control_of(taken(stores, {}, "job-writer"))
    return Recorder(stores, control, Notices(stores, control), Report(training_of(stores, {})), Origin("", ""))


@pytest.mark.parametrize(
    ("took_seconds", "ago_seconds", "due"),
    [(0.0, 900.0, False), (0.0, 1100.0, True), (200.0, 1900.0, False), (200.0, 2100.0, True)],
)
def test_a_checkpoint_is_due_when_the_last_is_long_enough_ago_and_later_when_that_took_long(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch, took_seconds: float, ago_seconds: float, due: bool
) -> None:
    monkeypatch.setattr(recorder_module, "CHECKPOINT_SECONDS", 1000.0)
    recorder._saved_at = time.monotonic() - ago_seconds
    recorder._save_seconds = took_seconds
    assert recorder._save_due() is due


def test_a_checkpoint_that_was_just_written_is_not_due_again(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "CHECKPOINT_SECONDS", 1000.0)
    recorder._saved_at = time.monotonic() - 1100.0
    recorder.save(recorder._report.training.initial())
    assert not recorder._save_due()
