"""Dry runs: times in proportion to the work, and measured in a child process."""

import httpx2
import pytest

from dualtrain.api.jobs.dry_run import dry_run
from dualtrain.core.estimate import Timing
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec

TIMING = Timing(batch_seconds=0.01, update_seconds=0.001, sample_seconds=0.0001)


def test_twice_the_epochs_take_twice_as_long_but_never_longer_than_a_job_may(settings: Settings) -> None:
    once, twice = (dry_run(JobSpec(epochs=epochs), TIMING, settings, 2).estimated_seconds for epochs in (1, 2))
    assert twice == pytest.approx(2 * once, rel=0.1)
    limited = JobSpec(epochs=2, max_seconds=once)
    assert dry_run(limited, TIMING, settings, 2).estimated_seconds == once


def test_the_api_measures_nothing_itself(client: httpx2.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise AssertionError("measured in the API")

    monkeypatch.setattr("dualtrain.core.estimate.measure", fail)
    answer = client.post("/v1/jobs?dry_run=true", json={"batch_size": 31})
    assert answer.status_code == 200, answer.text
    assert answer.json()["estimated_seconds"] > 0
