"""Pause, resume, cancel, delete: changes of status that a caller asks for. The table of transitions decides."""

from typing import Any

from fastapi import APIRouter, Response

from dualtrain.api.dependencies import CallerDep, JobDep, ServicesDep, find_job, submits
from dualtrain.api.errors.problems import documented
from dualtrain.api.schemas import JobView
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.job import Job, Reason, Status

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], dependencies=submits)

REASONS = {
    "pause": Reason(code="paused_by_user", message="Paused by its owner."),
    "resume": Reason(code="resuming", message="The job goes on from its last checkpoint."),
    "cancel": Reason(code="cancelled_by_user", message="Cancelled by its owner."),
}
_PROBLEMS = documented(
    "unauthenticated", "forbidden", "job_not_found", "illegal_transition", "invalid", "store_unavailable"
)
_ANSWERS: dict[int | str, Any] = {202: {"model": JobView, "description": "The job as it is now"}, **_PROBLEMS}


@router.post("/pause", status_code=202, responses=_ANSWERS)
def pause_job(services: ServicesDep, key: CallerDep, job: JobDep) -> Response:
    """Pause a running job: it stops within one round, with a checkpoint, and goes on from there bit for bit."""
    return _move(services, key, job, Status.PAUSED, REASONS["pause"])


@router.post("/resume", status_code=202, responses=_ANSWERS)
def resume_job(services: ServicesDep, key: CallerDep, job: JobDep) -> Response:
    """Let a paused job go on."""
    return _move(services, key, job, Status.RUNNING, REASONS["resume"], only_from=Status.PAUSED)


@router.post("/cancel", status_code=202, responses=_ANSWERS)
def cancel_job(services: ServicesDep, key: CallerDep, job: JobDep) -> Response:
    """End a job that has not ended; what it learned so far stays."""
    return _move(services, key, job, Status.CANCELLED, REASONS["cancel"])


@router.delete("", status_code=204, responses={204: {"description": "Gone"}, **_PROBLEMS})
def delete_job(services: ServicesDep, job: JobDep) -> Response:
    """Delete an ended job with its checkpoints and history."""
    services.jobs.delete(job.id)
    return Response(status_code=204)


def _move(
    services: Services, key: Key, job: Job, to: Status, reason: Reason, only_from: Status | None = None
) -> Response:
    services.jobs.move(job.id, to, reason, only_from=only_from)
    shown = services.forecast.view(find_job(services, key, job.id), key)
    return Response(shown.model_dump_json(), 202, media_type="application/json")
