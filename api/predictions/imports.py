"""Models from files: each becomes an ended job, so that it can do all that trained models can."""

from typing import Any

from numpy.typing import NDArray

from dualtrain.core.job import IMPORTING, Job, ModelInfo, Reason, Status, new_id
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.runtime.times import now
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoint, Checkpoints, Jobs, Leases


def save(jobs: Jobs, leases: Leases, checkpoints: Checkpoints, job: Job, vector: NDArray[Any], limit: int) -> None:
    """Save an ended job with one checkpoint. The lease comes first, so that no aggregator runs the job meanwhile."""
    lease = leases.acquire(job.id)
    assert lease is not None  # no other process knows the id
    try:
        jobs.create(job, 0, limit)
        jobs.move(job.id, Status.RUNNING, IMPORTING, lease)
        checkpoints.save(lease, Checkpoint(0, {"parameters": vector}, {}), {}, 0)
        model = ModelInfo(parameters=vector.size, sha256=digest(vector)).model_dump(mode="json")
        reason = Reason(code="imported", message="Its weights were uploaded, not trained here.")
        jobs.move(job.id, Status.SUCCEEDED, reason, lease, model=model)
    finally:
        leases.release(lease)


def new_job(spec: JobSpec, owner: str | None) -> Job:
    """Return the job that an uploaded model becomes."""
    return Job(
        id=new_id(),
        name=spec.name,
        owner=owner,
        status=Status.QUEUED,
        status_reason=IMPORTING,
        created_at=now(),
        spec=spec.model_dump(mode="json"),
    )
