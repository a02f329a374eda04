"""What is cleared away of ended jobs, and when."""

import threading
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from dualtrain.api.aggregator.aggregator import Aggregator
from dualtrain.api.jobs import reaper
from dualtrain.api.jobs.reaper import reap
from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.store import Jobs, Webhooks, keys
from tests.waiting import until


def ended(jobs: Jobs, name: str, keep_seconds: int, webhook: str | None = None) -> None:
    """An ended job that finished an hour ago."""
    spec = {"keep_seconds": keep_seconds, "webhook_url": webhook}
    jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 10)
    jobs.move(name, Status.CANCELLED)
    jobs._store.hset(keys.job(name), "finished_at", f'"{(datetime.now(UTC) - timedelta(hours=1)).isoformat()}"')


def test_a_job_is_kept_as_long_as_its_spec_says_and_until_its_end_is_told(
    store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs, webhooks = Jobs(store), Webhooks(store)
    ended(jobs, "over", 3000)
    ended(jobs, "kept", 4000)
    ended(jobs, "untold", 3000, "https://example.org/hook")
    jobs.create(Job(id="waiting", name="", status=Status.QUEUED, created_at=now(), spec={"keep_seconds": 0}), 5, 10)
    reap(jobs, webhooks)
    assert {job.id for _, job in jobs.newest()} == {"kept", "untold", "waiting"}
    monkeypatch.setattr(reaper, "CALLS_SECONDS", 0)  # nobody calls: it is not kept for ever
    reap(jobs, webhooks)
    assert {job.id for _, job in jobs.newest()} == {"kept", "waiting"}


def test_an_aggregator_clears_away_as_soon_as_it_starts(store: Redis, settings: Settings) -> None:
    jobs = Jobs(store)
    ended(jobs, "over", 3000)
    aggregator = Aggregator(settings)
    thread = threading.Thread(target=aggregator.run)
    thread.start()
    try:
        until(lambda: not list(jobs.newest()), seconds=10)
    finally:
        aggregator.stopping.set()
        thread.join()
