"""Changes of jobs beside their status: edit, clone, retry, extend."""

import json
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import SPEC_BYTES, CallerDep, JobDep, ServicesDep, find_job, submits
from dualtrain.api.errors.problems import documented
from dualtrain.api.errors.validation import fault, parse
from dualtrain.api.jobs.requeue import Extension, extend, retry
from dualtrain.api.jobs.submission import IdempotencyKey, accept
from dualtrain.api.schemas import JobView
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.overrides import overridden
from dualtrain.core.spec import JobSpec, Text

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["jobs"], dependencies=submits)

_PROBLEMS = documented("malformed_json", "unauthenticated", "forbidden", "job_not_found", "body_too_large", "invalid",
                       "store_unavailable")  # fmt: skip
_QUEUED = documented("illegal_transition", "queue_full", "quota_exceeded")


class JobEdit(BaseModel):
    """New values; those that are left out stay."""

    model_config = ConfigDict(extra="forbid")

    name: Annotated[str, Field(max_length=200)] = ""
    metadata: dict[Annotated[str, Field(min_length=1, max_length=64)], Text] = Field({}, max_length=16)
    priority: int = Field(5, ge=0, le=9, description="only while the job waits in the queue")


class Clone(BaseModel):
    """Changes to the spec of a job."""

    model_config = ConfigDict(extra="forbid")

    set: dict[str, Any] = Field(
        {}, max_length=100, description="paths with their new values", examples=[{"optimizer.learning_rate": 0.3}]
    )


def _body(model: type[BaseModel], required: bool = True) -> dict[str, Any]:
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": required, "content": {"application/json": {"schema": schema}}}}


async def _edit(request: Request) -> JobEdit:
    return parse(JobEdit, await request.body())


async def _clone(request: Request) -> Clone:
    return parse(Clone, await request.body() or b"{}")


async def _extension(request: Request) -> Extension:
    return parse(Extension, await request.body())


@router.patch(
    "",
    max_body_size=SPEC_BYTES,
    openapi_extra=_body(JobEdit),
    responses={200: {"model": JobView}, **_PROBLEMS, **documented("illegal_transition")},
)
def edit_job(services: ServicesDep, key: CallerDep, job: JobDep, edit: Annotated[JobEdit, Depends(_edit)]) -> Response:
    """Change a job's name or metadata, or its priority while it waits. `metadata` replaces all pairs."""
    services.edits.edit(job.id, edit.model_dump(exclude_unset=True))
    return _shown(services, key, job.id, 200)


@router.post(
    "/clone",
    status_code=202,
    max_body_size=SPEC_BYTES,
    openapi_extra=_body(Clone, required=False),
    responses={
        202: {"model": JobView, "headers": {"Location": {"schema": {"type": "string"}}}, "description": "Queued"},
        **_PROBLEMS,
        **documented("request_in_flight", "idempotency_mismatch", "queue_full", "quota_exceeded"),
    },
)
async def clone_job(
    services: ServicesDep,
    key: CallerDep,
    job: JobDep,
    clone: Annotated[Clone, Depends(_clone)],
    idempotency_key: IdempotencyKey = None,
) -> Response:
    """Queue a new job of the same spec, with the changes in `set`."""
    try:
        document = overridden(job.spec, clone.set)
    except ValueError as error:
        raise fault("/set", "unknown_field", str(error)) from error
    spec = parse(JobSpec, json.dumps(document).encode())
    job_id, answer = await run_in_threadpool(accept, services, key, spec, idempotency_key)
    return Response(answer, 202, {"Location": f"/v1/jobs/{job_id}"}, "application/json")


@router.post("/retry", status_code=202, responses={202: {"model": JobView}, **_PROBLEMS, **_QUEUED})
def retry_job(services: ServicesDep, key: CallerDep, job: JobDep) -> Response:
    """Queue a failed or cancelled job again: it goes on from its last checkpoint."""
    retry(services, key, job)
    return _shown(services, key, job.id, 202)


@router.post(
    "/extend",
    status_code=202,
    max_body_size=SPEC_BYTES,
    openapi_extra=_body(Extension),
    responses={202: {"model": JobView}, **_PROBLEMS, **_QUEUED},
)
def extend_job(
    services: ServicesDep, key: CallerDep, job: JobDep, extension: Annotated[Extension, Depends(_extension)]
) -> Response:
    """Queue an ended job again with new totals: it goes on with its optimizer's state.

    With a constant learning rate it ends with the bits of a job that was posted with these totals.
    """
    extend(services, key, job, extension)
    return _shown(services, key, job.id, 202)


def _shown(services: Services, key: Key, job_id: str, status: int) -> Response:
    view = services.forecast.view(find_job(services, key, job_id), key)
    return Response(view.model_dump_json(), status, media_type="application/json")
