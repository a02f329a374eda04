"""Usage of each key's jobs: those in the store and those that were deleted."""

import json
from collections.abc import Iterable

from pydantic import BaseModel, Field

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.job_index import JobRow


class Usage(BaseModel):
    """Totals of a key's jobs, the deleted ones included."""

    key: str | None = Field(None, description="null for jobs posted without a key")
    jobs: int = 0
    by_status: dict[str, int] = Field({}, description="jobs that are kept, by status")
    passes: int = 0
    evaluations: int = 0
    worker_seconds: float = Field(0.0, description="time that workers computed")
    stored_bytes: int = Field(0, description="of the checkpoints that are kept")


def usage_by_key(store: RedisClient, rows: Iterable[JobRow]) -> list[Usage]:
    """Return the usage of each key, by name; `stored_bytes` are still to be filled in."""
    totals: dict[str | None, Usage] = {}
    for field, value in store.hgetall(keys.USAGE).items():
        owner, _, figure = field.decode().rpartition("/")
        usage = totals.setdefault(json.loads(owner), Usage(key=json.loads(owner)))
        setattr(usage, figure, float(value) if figure == "worker_seconds" else int(float(value)))
    for row in rows:
        usage = totals.setdefault(row.owner, Usage(key=row.owner))
        usage.jobs += 1
        usage.by_status[row.status.value] = usage.by_status.get(row.status.value, 0) + 1
        usage.passes += row.passes
        usage.evaluations += row.evaluations
        usage.worker_seconds += row.worker_seconds
    return [totals[name] for name in sorted(totals, key=lambda name: name or "")]
