"""Log records about jobs, kept beside the job and deleted with it."""

import json
from collections import deque
from collections.abc import Mapping
from typing import Any

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient

KEPT = 500
"""Newest records that are kept of a job."""
_PENDING = 1000
"""Records that wait for the next flush; older ones are lost when the store is away for long."""

_APPEND = f"""
if redis.call('EXISTS', KEYS[1]) == 0 then return end
redis.call('RPUSH', KEYS[2], unpack(ARGV))
redis.call('LTRIM', KEYS[2], {-KEPT}, -1)
"""


class JobLogs:
    """Collects records in this process; `flush` appends them to the logs of their jobs."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._append = store.register_script(_APPEND)
        self._pending: deque[tuple[str, str]] = deque(maxlen=_PENDING)

    def collect(self, record: Mapping[str, Any]) -> None:
        """Remember a log record if it is about a job. Costs no trip to the store, and never fails."""
        if isinstance(record.get("job"), str):
            self._pending.append((record["job"], json.dumps(dict(record), default=str)))

    def flush(self) -> None:
        """Append the collected records; those of deleted jobs are dropped."""
        by_job: dict[str, list[str]] = {}
        while self._pending:
            job_id, record = self._pending.popleft()
            by_job.setdefault(job_id, []).append(record)
        for job_id, records in by_job.items():
            self._append(keys=[keys.job(job_id), keys.job_log(job_id)], args=records)

    def read(self, job_id: str) -> list[dict[str, Any]]:
        """Return the records of a job, oldest first."""
        return [json.loads(record) for record in self._store.lrange(keys.job_log(job_id), 0, -1)]
