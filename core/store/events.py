"""Events: what happened to a job, as Redis streams with a known window."""

import json
from dataclasses import dataclass, field
from typing import Any

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient

JOB_WINDOW = 1000
"""Newest events that are kept of one job (Redis trims in whole nodes, so up to 100 more)."""
WINDOW = 10_000
"""Newest events that are kept of all jobs together."""


@dataclass(frozen=True)
class Event:
    """`type` is `status`, `step`, `evaluation` or `retry`; `id` grows, and orders the events of all jobs."""

    type: str
    job_id: str
    data: dict[str, Any] = field(default_factory=dict)
    id: str = ""

    @classmethod
    def parse(cls, entry: tuple[bytes, dict[bytes, bytes]]) -> "Event":
        """Read a stream entry."""
        identifier, fields = entry
        return cls(fields[b"type"].decode(), fields[b"job"].decode(), json.loads(fields[b"data"]), identifier.decode())


# Writes one event to a job's stream and, under the same id, to the stream of all jobs.
EMIT = f"""
local function emit(all, one, job, kind, data)
  local id = redis.call('XADD', all, 'MAXLEN', '~', {WINDOW}, '*', 'type', kind, 'job', job, 'data', data)
  redis.call('XADD', one, 'MAXLEN', '~', {JOB_WINDOW}, id, 'type', kind, 'job', job, 'data', data)
end
"""


def replay(
    store: RedisClient, job_id: str | None = None, after: str = "-", count: int | None = None
) -> tuple[list[Event], bool]:
    """Return the first `count` kept events of a job (or of all jobs) above the id `after`, None: all of them.

    Also returns whether some between `after` and the first were trimmed away.
    """
    key = keys.events(job_id) if job_id else keys.EVENTS
    first = store.xrange(key, count=1)
    entries = store.xrange(key, min=f"({after}" if after != "-" else "-", count=count)
    lost = after != "-" and bool(first) and _order(after) < _order(first[0][0].decode()) and _trimmed(store, key)
    return [Event.parse(entry) for entry in entries], lost


def _trimmed(store: RedisClient, key: str) -> bool:
    info = store.xinfo_stream(key)
    return bool(info["entries-added"] > info["length"])


def _order(identifier: str) -> tuple[int, int]:
    milliseconds, _, sequence = identifier.partition("-")
    return int(milliseconds), int(sequence or 0)
