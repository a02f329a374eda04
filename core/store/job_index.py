"""An index of all jobs in memory, for lists that are filtered and sorted.

Every script that writes a job gives it the next version number (`CHANGED` in `scripts.py`). A reader first asks for
the jobs with higher versions than it has seen and reads those again, so the index is never older than the question.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Any

from dualtrain.core.job import Status, Transition, running_seconds
from dualtrain.core.runtime.times import now, seconds_between
from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient

_FIELDS = ("number", "name", "owner", "status", "created_at", "started_at", "finished_at", "spec", "metrics",
           "progress", "sweep")  # fmt: skip
_BATCH = 500
"""Jobs that are read in one trip."""


@dataclass(frozen=True, slots=True)
class JobRow:
    """The fields of a job by which jobs are found and sorted. Times are ISO 8601 in UTC, accuracies from 0 to 1."""

    id: str
    number: int
    name: str
    owner: str | None
    status: Status
    created_at: str
    started_at: str | None
    finished_at: str | None
    method: str
    dataset: str
    sweep: str | None
    metadata: Mapping[str, str]
    test_accuracy: float | None
    best_test_accuracy: float | None
    loss: float | None
    passes: int
    evaluations: int
    worker_seconds: float
    ran_seconds: float | None
    """Running time until `running_since`."""
    running_since: str | None
    """None while the job does not run."""

    @property
    def duration_seconds(self) -> float | None:
        """Running time so far, None before the first run."""
        if self.running_since is None:
            return self.ran_seconds
        return (self.ran_seconds or 0.0) + seconds_between(self.running_since, now())


class JobIndex:
    """The index of one process. Safe to use from several threads."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._rows: dict[str, JobRow] = {}
        self._version = -1
        self._lock = Lock()

    def rows(self) -> list[JobRow]:
        """Return a row for each job in the store, in no order."""
        with self._lock:
            self._catch_up()
            return list(self._rows.values())

    def _catch_up(self) -> None:
        """Read what has changed; everything again when the store is another one, or an older state of it."""
        with self._store.pipeline(transaction=True) as pipe:
            pipe.get(keys.VERSION)
            pipe.zrangebyscore(keys.CHANGES, f"({self._version}", "+inf")
            pipe.zcard(keys.JOBS)
            newest, changed, count = pipe.execute()
        version = int(newest or 0)
        if version < self._version:
            self._rows.clear()
        self._read(job_id.decode() for job_id in changed)
        self._version = version
        if len(self._rows) != count:
            self._reconcile()

    def _reconcile(self) -> None:
        """Drop deleted jobs, and read those that were written without a version, as by an older release."""
        present = {job_id.decode() for job_id in self._store.zrange(keys.JOBS, 0, -1)}
        for job_id in self._rows.keys() - present:
            del self._rows[job_id]
        self._read(present - self._rows.keys())

    def _read(self, job_ids: Iterable[str]) -> None:
        ids = list(job_ids)
        for start in range(0, len(ids), _BATCH):
            batch = ids[start : start + _BATCH]
            with self._store.pipeline(transaction=True) as pipe:
                for job_id in batch:
                    pipe.hmget(keys.job(job_id), _FIELDS).lrange(keys.transitions(job_id), 0, -1)
                answers = pipe.execute()
            for position, job_id in enumerate(batch):
                self._put(job_id, *answers[2 * position : 2 * position + 2])

    def _put(self, job_id: str, values: list[bytes | None], transitions: list[bytes]) -> None:
        fields = {name: json.loads(value) for name, value in zip(_FIELDS, values, strict=True) if value is not None}
        if "status" in fields:
            self._rows[job_id] = _row(job_id, fields, transitions)
        else:  # deleted meanwhile
            self._rows.pop(job_id, None)


def _row(job_id: str, fields: Mapping[str, Any], records: Iterable[bytes]) -> JobRow:
    transitions = [Transition.model_validate_json(record) for record in records]
    changed_at = transitions[-1].at if transitions else None
    spec = fields.get("spec") or {}
    metrics = fields.get("metrics") or {}
    progress = fields.get("progress") or {}
    return JobRow(
        id=job_id,
        number=int(fields["number"]),
        name=fields.get("name") or "",
        owner=fields.get("owner"),
        status=Status(fields["status"]),
        created_at=fields["created_at"],
        started_at=fields.get("started_at"),
        finished_at=fields.get("finished_at"),
        method=(spec.get("gradient") or {}).get("method", ""),
        dataset=(spec.get("dataset") or {}).get("name", ""),
        sweep=(fields.get("sweep") or {}).get("id"),
        metadata=spec.get("metadata") or {},
        test_accuracy=metrics.get("test_accuracy"),
        best_test_accuracy=metrics.get("best_test_accuracy"),
        loss=metrics.get("loss"),
        passes=progress.get("passes", 0),
        evaluations=progress.get("evaluations", 0),
        worker_seconds=progress.get("worker_seconds", 0.0),
        ran_seconds=running_seconds(transitions, changed_at),
        running_since=changed_at if fields["status"] == Status.RUNNING else None,
    )
