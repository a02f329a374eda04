"""Jobs: accept one, or tell what it would be."""

import hashlib
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import SPEC_BYTES, CallerDep, ServicesDep, submits
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.errors.validation import parse
from dualtrain.api.http_headers import media_type
from dualtrain.api.jobs import admission
from dualtrain.api.jobs import dry_run as dry_runs
from dualtrain.api.jobs.record import new_job
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.schemas import DryRun, JobView
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.job import Job, new_id
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Claim, Idempotency, InFlight, QueueFull, Superseded

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
    idempotency_key: Annotated[
        str | None,
        Header(min_length=1, max_length=255, description="same key and body again: the first answer again, for 24 h"),
    ] = None,
) -> Any:
    """Queue a job, or with `dry_run` tell what it would take. Every field of the spec has a default."""
    if dry_run:
        return await unless_disconnected(request, _dry_run(services, key, spec))
    job_id, answer = await run_in_threadpool(_accept, services, key, spec, idempotency_key)
    return Response(answer, 202, {"Location": f"/v1/jobs/{job_id}"}, "application/json")


async def _dry_run(services: Services, key: Key, spec: JobSpec) -> Response:
    await run_in_threadpool(admission.check, spec, services, key)
    timing = await services.timings.of(spec, key.name)
    workers = max(1, await run_in_threadpool(services.exchange.count_workers))
    estimate = await run_in_threadpool(dry_runs.dry_run, spec, timing, services.settings, workers)
    return Response(estimate.model_dump_json(), media_type="application/json")


def _accept(services: Services, key: Key, spec: JobSpec, idempotency_key: str | None) -> tuple[str, str]:
    """Queue a job, at most once for an idempotency key; return its id and its JSON. Raises Problem, QueueFull."""
    if idempotency_key:
        return _once(services, key, spec, idempotency_key.strip('"'))
    job_id = new_id()
    return job_id, _queue(services, key, spec, job_id)


def _once(services: Services, key: Key, spec: JobSpec, idempotency_key: str) -> tuple[str, str]:
    """Queue a job unless this key did already; return its id and the first answer, whatever became of the job."""
    requests = Idempotency(services.store, key.owner)
    fingerprint = hashlib.sha256(spec.model_dump_json().encode()).hexdigest()
    claim = requests.claim(idempotency_key, fingerprint, new_id())
    if claim.answer is not None:
        return claim.job_id, claim.answer
    try:
        answer = _queued(services, claim.job_id) or _queue(services, key, spec, claim.job_id, claim)
        return claim.job_id, requests.answer(claim, answer)
    except Superseded as error:  # this request stalled: a later one with the same key has its place
        raise InFlight(idempotency_key) from error
    except (Problem, QueueFull):  # there is no job
        requests.forget(claim)
        raise
    except Exception:  # there may be one: whoever asks again for the same gets it, and no second one
        requests.release(claim)
        raise


def _queued(services: Services, job_id: str) -> str | None:
    """Return the job that an earlier attempt of a request queued, as JSON; None when it did not get so far."""
    return next((_shown(services, job) for job in services.jobs.several([job_id])), None)


def _queue(services: Services, key: Key, spec: JobSpec, job_id: str, claim: Claim | None = None) -> str:
    """Queue a job; return it as JSON. Raises Problem, QueueFull when there is none, Superseded."""
    admission.check(spec, services, key)
    admission.check_quota(spec, services, key)
    source = admission.initial_checkpoint(spec, services, key)
    job = new_job(job_id, spec, key.owner, services.settings.data_dir, initial_checkpoint=source)
    services.jobs.create(job, spec.priority, services.settings.max_waiting_jobs, claim)
    return _shown(services, services.jobs.get(job_id))


def _shown(services: Services, job: Job) -> str:
    return services.forecast.view(job).model_dump_json()
