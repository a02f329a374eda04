"""Limits of event streams and waiting requests: each holds a connection, a queue and a part of the store's answers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from dualtrain.api.security.errors import TooManyStreams
from dualtrain.api.security.keys import ANYONE, Key


@dataclass
class Streams:
    """Counts what is open in this process: `per_key` for each API key, `total` together."""

    per_key: int = 20
    total: int = 500
    _open: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def opened(self, key: Key) -> Iterator[None]:
        """Count one more while the context is open. Raises TooManyStreams at a limit."""
        if key is not ANYONE and self._open[key.name] >= self.per_key:
            raise TooManyStreams(f"key {key.name!r} has {self.per_key} streams and waiting requests open; close some")
        if self._open.total() >= self.total:
            raise TooManyStreams(f"{self.total} streams and waiting requests are open; try again in a moment")
        self._open[key.name] += 1
        try:
            yield
        finally:
            self._open[key.name] -= 1
