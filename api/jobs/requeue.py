"""Retry and extension: an ended job is queued again and goes on from its last checkpoint."""

import json
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dualtrain.api.errors.validation import fault, parse
from dualtrain.api.jobs import admission
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.data import describe
from dualtrain.core.history import RecordedSteps
from dualtrain.core.job import ENDED, RETRIABLE, Job, Reason
from dualtrain.core.loop import epoch_for, steps_for
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Conflict
from dualtrain.core.sweep import SweepStatus
from dualtrain.core.sweep.steps import HALVED

_RETRIED = Reason(code="retried", message="Queued again; the job goes on from its last checkpoint.")
_EXTENDED = Reason(code="extended", message="Queued again with a new end; the job goes on from its last checkpoint.")


class Extension(BaseModel):
    """New limits of a job; those that are left out stay. At least one is given."""

    model_config = ConfigDict(extra="forbid")

    epochs: int = Field(1, ge=1, le=100_000, description="new total")
    max_steps: int | None = Field(None, ge=1, le=1_000_000_000, description="new total; null for none")
    max_seconds: float | None = Field(None, gt=0, le=31_536_000, description="new total; null for none")
    target_accuracy: float | None = Field(None, gt=0, le=1, description="null for none")


def retry(services: Services, key: Key, job: Job) -> None:
    """Queue a failed or cancelled job again. Raises Conflict, Problem, QueueFull."""
    if job.sweep is not None:
        _check_sweep(services, job)
    admission.check_quota(JobSpec.model_validate(job.spec), services, key)
    limit = services.settings.max_waiting_jobs
    sweep_id = job.sweep.id if job.sweep else ""
    progress = job.progress.model_dump() | {"eta_seconds": None}
    services.edits.requeue(job.id, job.spec, {}, RETRIABLE, _RETRIED, limit, sweep_id=sweep_id, progress=progress)


def extend(services: Services, key: Key, job: Job, extension: Extension) -> None:
    """Queue an ended job again with a new end. Raises Conflict, Problem, QueueFull."""
    if job.status not in ENDED:
        raise Conflict(job.id, job.status, advice="only a job that has ended can be extended")
    if job.sweep is not None:
        raise Conflict(job.id, job.status, advice="it belongs to a sweep, which compares equal lengths; clone it")
    changes = extension.model_dump(exclude_unset=True)
    spec = _extended(job, changes)
    admission.check(spec, services, key)
    admission.check_quota(spec, services, key)
    steps = _longer(services, job, spec)
    services.edits.requeue(
        job.id,
        job.spec,
        changes,
        ENDED,
        _EXTENDED,
        services.settings.max_waiting_jobs,
        history=RecordedSteps(steps, spec.evaluate_every).thinned(services.documents.history(job.id)),
        progress=job.progress.model_dump() | {"total_steps": steps, "eta_seconds": None},
        model=job.model.model_dump() | {"sha256": None},
    )


def _extended(job: Job, changes: dict[str, Any]) -> JobSpec:
    """Return the spec of a job with changes. Raises Problem `invalid` when nothing changes."""
    if not changes:
        raise fault("", "nothing_to_extend", "give a new total: epochs, max_steps, max_seconds or target_accuracy")
    return parse(JobSpec, json.dumps(job.spec | changes).encode())


def _longer(services: Services, job: Job, spec: JobSpec) -> int:
    """Return the new total of steps. Raises Problem `invalid` when the job has made them already."""
    samples = describe(spec.dataset.name, services.settings.data_dir).train_samples
    steps = steps_for(spec, epoch_for(spec, samples))
    if steps <= job.progress.step:
        message = f"that is a total of {steps:,} steps, and the job has made {job.progress.step:,}; give a higher total"
        raise fault("", "not_longer", message)
    return steps


def _check_sweep(services: Services, job: Job) -> None:
    """Raise Conflict for a job whose sweep would end it again at once."""
    assert job.sweep is not None
    if job.status_reason is not None and job.status_reason.code == HALVED:
        raise Conflict(job.id, job.status, advice="its sweep has ended its cell; clone it to run it alone")
    if services.sweeps.get(job.sweep.id).status is SweepStatus.CANCELLED:
        raise Conflict(job.id, job.status, advice="its sweep is cancelled; clone it to run it alone")
