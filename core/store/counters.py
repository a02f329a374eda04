"""Counters that only grow, in one hash of the store: right with any number of processes, and after a restart."""

import json
from collections import Counter
from collections.abc import Mapping
from threading import Lock

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient

Name = tuple[str, tuple[tuple[str, str], ...]]
"""A counter's name and its sorted labels."""
BOUNDS_SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
"""Upper bounds of the histograms of times."""


class Counters:
    """Gathers increments in this process; `flush` adds them to the store."""

    def __init__(self, store: RedisClient) -> None:
        self._store, self._lock = store, Lock()
        self._pending: Counter[Name] = Counter()

    def add(self, name: str, labels: Mapping[str, str] | None = None, value: float = 1.0) -> None:
        """Count. Costs no trip to the store."""
        with self._lock:
            self._pending[name, tuple(sorted((labels or {}).items()))] += value  # type: ignore[assignment]

    def observe(self, name: str, seconds: float, labels: Mapping[str, str] | None = None, *, times: int = 1) -> None:
        """Count a time, observed `count` times, in a histogram: `NAME_bucket` by upper bound `le`, and `NAME_sum`."""
        bound = next((str(bound) for bound in BOUNDS_SECONDS if seconds <= bound), "+Inf")
        self.add(f"{name}_bucket", {**(labels or {}), "le": bound}, times)
        self.add(f"{name}_sum", labels, seconds * times)

    def flush(self) -> None:
        """Add what was counted since the last time. What could not be added stays for the next time."""
        with self._lock:
            pending, self._pending = self._pending, Counter()
        if not pending:
            return
        try:
            with self._store.pipeline(transaction=True) as pipe:
                for (name, labels), value in pending.items():
                    pipe.hincrbyfloat(keys.COUNTERS, json.dumps([name, dict(labels)]), value)
                pipe.execute()
        except BaseException:
            with self._lock:
                self._pending.update(pending)
            raise

    def read(self) -> dict[Name, float]:
        """Return all counters: (name, sorted labels) -> value. A histogram's buckets are not summed up."""
        counters = {}
        for field, value in self._store.hgetall(keys.COUNTERS).items():
            name, labels = json.loads(field)
            counters[name, tuple(sorted(labels.items()))] = float(value)
        return counters
