"""Models: their weights as files and as images, and models from files."""

from functools import partial
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, JobDep, ServicesDep, Step, reads, submits
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.errors.validation import fault
from dualtrain.api.http.headers import OCTETS, IfNoneMatch, matches, media_type
from dualtrain.api.jobs import admission
from dualtrain.api.predictions.export import FORMATS
from dualtrain.api.predictions.imports import new_job, save
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.predictions.onnx import NotExportable
from dualtrain.api.predictions.weights_png import weights_png
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.sandbox.messages import Message
from dualtrain.api.sandbox.spool import spooled
from dualtrain.api.schemas import JobView
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Leases

router = APIRouter(prefix="/v1", tags=["models"])

IMPORT_MILLISECONDS = 60_000
"""How long a busy store may take to save a model; until then no aggregator takes its job."""
FILE_BYTES = 96 << 20
"""Largest uploaded model: 10,000,000 parameters in float64, and its header."""
_PROBLEMS = documented("unauthenticated", "forbidden", "job_not_found", "not_there_yet", "invalid", "store_unavailable")
_UNCHANGED: dict[int | str, Any] = {304: {"description": "Not changed"}}
_BINARY: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_UPLOAD = {"requestBody": {"required": True, "content": {OCTETS: _BINARY}}}


@router.get(
    "/jobs/{job_id}/model",
    dependencies=reads,
    response_class=Response,
    responses={
        200: {"content": {OCTETS: _BINARY, "application/zip": _BINARY}},
        **_UNCHANGED,
        **_PROBLEMS,
    },
)
def download_model(
    services: ServicesDep,
    key: CallerDep,
    job: JobDep,
    format: Literal["safetensors", "npz", "onnx"] = "safetensors",
    step: Step = "last",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Download the weights: safetensors or npz with the spec in them, or an ONNX graph from pixels to probabilities."""
    model = services.models.of_job(key, job.id, step)
    tag = _tag(model)
    write, kind = FORMATS[format]
    if matches(if_none_match, tag["ETag"]):
        return Response(status_code=304, headers=tag)
    try:
        content = write(model)
    except NotExportable as error:
        raise fault("#/query/format", "not_exportable", str(error)) from error
    name = f"{model.job_id}-{model.step}.{format}"
    return Response(content, 200, {"Content-Disposition": f'attachment; filename="{name}"', **tag}, kind)


@router.get(
    "/jobs/{job_id}/weights.png",
    dependencies=reads,
    response_class=Response,
    responses={200: {"content": {"image/png": _BINARY}}, **_UNCHANGED, **_PROBLEMS},
)
def show_weights(
    services: ServicesDep,
    key: CallerDep,
    job: JobDep,
    layer: Annotated[int, Query(ge=0, le=31)] = 0,
    step: Step = "last",
    if_none_match: IfNoneMatch = None,
) -> Response:
    """Show a layer's weights, those of the first as a small image for each unit. Blue is negative, red positive."""
    model = services.models.of_job(key, job.id, step)
    tag = _tag(model)
    if matches(if_none_match, tag["ETag"]):
        return Response(status_code=304, headers=tag)
    try:
        return Response(weights_png(model, layer), 200, tag, "image/png")
    except LookupError as error:
        raise fault("#/query/layer", "no_weights", str(error)) from error


@router.post(
    "/models",
    status_code=201,
    dependencies=submits,
    max_body_size=FILE_BYTES,
    openapi_extra=_UPLOAD,
    responses={
        201: {"model": JobView, "headers": {"Location": {"schema": {"type": "string"}}}},
        **documented("bad_request", "unauthenticated", "forbidden", "body_too_large", "unsupported_media_type",
                     "invalid", "over_limit", "queue_full", "quota_exceeded", "busy", "store_unavailable"),
    },
)  # fmt: skip
async def upload_model(request: Request, services: ServicesDep, key: CallerDep) -> Response:
    """Accept a safetensors file as `GET /v1/jobs/{id}/model` writes it; it becomes a job that has ended.

    Predictions, exports, aliases, and `initial_weights` of other jobs work with it as with any job.
    """
    if media_type(request, absent=OCTETS) != OCTETS:
        raise Problem("unsupported_media_type", f"send a safetensors file as {OCTETS}")
    pool = services.pools.answers
    with pool.admitted(key.name) as admission:
        async with spooled(request, services.settings.data_dir, admission) as body:
            reading = pool.run(key.name, "read_model", {}, (body,), partial(_check, services, key))
            reply = await unless_disconnected(request, reading)
    return await run_in_threadpool(_save, services, key, reply)


async def _check(services: Services, key: Key, question: dict[str, Any]) -> Message:
    """Raise Problem for a spec that would not be accepted as a job's."""
    spec = JobSpec.model_validate_json(question["spec"])
    await run_in_threadpool(admission.check, spec, services, key)
    return Message({})


def _save(services: Services, key: Key, reply: Message) -> Response:
    result = reply.document["result"]
    spec = JobSpec.model_validate_json(result["spec"])
    parameters = np.frombuffer(reply.block, spec.dtype)
    admission.check_quota(spec, services, key)
    job = new_job(spec, key.owner)
    leases = Leases(services.store, IMPORT_MILLISECONDS)
    save(services.jobs, leases, services.checkpoints, job, parameters, services.settings.max_waiting_jobs)
    view = services.forecast.view(services.jobs.get(job.id), key)
    return Response(view.model_dump_json(), 201, {"Location": f"/v1/jobs/{job.id}"}, "application/json")


def _tag(model: LoadedModel) -> dict[str, str]:
    # Weak: the weights are the same, the bytes around them (the order of a header, a time in an archive) need not be.
    return {"ETag": f'W/"{model.step}-{digest(model.parameters)[:20]}"', "Cache-Control": "private, no-cache"}
