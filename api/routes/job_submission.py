"""Jobs: accept one, or tell what it would be."""

import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import SPEC_BYTES, CallerDep, ServicesDep, submits
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.errors.validation import parse
from dualtrain.api.http.headers import media_type
from dualtrain.api.jobs import admission
from dualtrain.api.jobs import dry_run as dry_runs
from dualtrain.api.jobs.submission import IdempotencyKey, accept
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.schemas import DryRun, JobView
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.spec import JobSpec

router = APIRouter(prefix="/v1", tags=["jobs"])

_JSON = re.compile(r"application/([\w.-]+\+)?json")
_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/JobSpec"},
                "examples": {
                    "default": {"summary": "the network of the blog post, on 12x12 MNIST", "value": {}},
                    "original pixels": {
                        "summary": "784-100-10, one pass for every unit",
                        "value": {
                            "dataset": {"name": "mnist", "image_size": 28},
                            "network": {"layers": [{"units": 100, "activation": "relu", "initializer": "he"},
                                                   {"units": 10, "activation": "softmax", "initializer": "xavier"}]},
                            "gradient": {"method": "per-neuron"},
                        },
                    },
                },
            }
        },
    }
}  # fmt: skip


async def posted(request: Request) -> JobSpec:
    """Return the spec in the body: parsed from its bytes, so that nothing is coerced and NaN is refused."""
    if not _JSON.fullmatch(media_type(request)):
        raise Problem("unsupported_media_type", "send the spec as application/json")
    return await run_in_threadpool(parse, JobSpec, await request.body())


@router.post(
    "/jobs",
    status_code=202,
    dependencies=submits,
    max_body_size=SPEC_BYTES,
    openapi_extra=_BODY,
    responses={
        202: {"model": JobView, "headers": {"Location": {"schema": {"type": "string"}}}, "description": "Queued"},
        200: {"model": DryRun, "description": "With `dry_run=true`: what the job would be"},
        **documented("bad_request", "malformed_json", "unauthenticated", "forbidden", "request_in_flight",
                     "body_too_large", "unsupported_media_type", "invalid", "not_estimable", "idempotency_mismatch",
                     "queue_full", "quota_exceeded", "busy", "store_unavailable"),
    },
)  # fmt: skip
async def create_job(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    spec: Annotated[JobSpec, Depends(posted)],
    dry_run: bool = False,
    idempotency_key: IdempotencyKey = None,
) -> Any:
    """Queue a job, or with `dry_run` tell what it would take. Every field of the spec has a default."""
    if dry_run:
        return await unless_disconnected(request, _dry_run(services, key, spec))
    job_id, answer = await run_in_threadpool(accept, services, key, spec, idempotency_key)
    return Response(answer, 202, {"Location": f"/v1/jobs/{job_id}"}, "application/json")


async def _dry_run(services: Services, key: Key, spec: JobSpec) -> Response:
    await run_in_threadpool(admission.check, spec, services, key)
    timing = await services.timings.of(spec, key.name)
    workers = max(1, await run_in_threadpool(services.exchange.count_workers))
    estimate = await run_in_threadpool(dry_runs.dry_run, spec, timing, services.settings, workers)
    return Response(estimate.model_dump_json(), media_type="application/json")
