"""A sweep of the store, and a runner that carries it on step by step."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from dualtrain.api.sweeps.runner import SweepRunner
from dualtrain.core.settings import Settings
from dualtrain.core.store import Documents, Jobs
from dualtrain.core.store.sweeps import SweepRecord, Sweeps

SWEEP = "sweep-0123456789ab"
Post = Callable[..., SweepRunner]


@pytest.fixture
def post(store: Redis, settings: Settings) -> Post:
    """Return a function that keeps a sweep and returns a runner for it."""

    def post(limit: int = 2000, **spec: Any) -> SweepRunner:
        sweeps = Sweeps(store)
        sweeps.create(SweepRecord(id=SWEEP, created_at="2026-01-01T00:00:00.000Z", spec=spec))
        limited = settings.model_copy(update={"max_waiting_jobs": limit})
        return SweepRunner(sweeps, Jobs(store), Documents(store), limited)

    return post
