"""What is written of a running job, when the store is away now and then."""

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from api.aggregator.services import Services
from api.aggregator.writer import Writer
from core.job import Status
from core.settings import Settings
from core.store import Jobs
from tests.api.aggregator.test_runner import taken


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
