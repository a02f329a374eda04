"""The harness itself: a quiet service passes, and an outage does not hide behind few samples."""

from collections.abc import Callable

import pytest

from tests.hostile.observer import INTERVAL_SECONDS, Latencies, Observer
from tests.hostile.stack import Stack


def test_a_quiet_service_passes(stack: Stack, observe: Callable[[], Observer]) -> None:
    with observe() as observer, stack.client("alice") as alice:
        assert alice.get("/v1/jobs").json()["data"] == []
    observer.check(api=700 << 20, aggregator=700 << 20)
    assert observer.peak_bytes["api"] > 20 << 20


def test_a_process_that_ends_is_noticed(stack: Stack, observe: Callable[[], Observer]) -> None:
    with observe() as observer:
        stack.processes("aggregator")[0].kill()
    with pytest.raises(AssertionError, match="ended"):
        observer.check()


def test_one_long_outage_counts_as_long_as_it_lasted() -> None:
    latencies = Latencies()
    for _ in range(10):
        latencies.add(0.01)
    latencies.add(100 * INTERVAL_SECONDS)
    assert latencies.quantile(0.5) > 1.0
