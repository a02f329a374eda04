"""Predictions: by a job's model, or by the best one."""

from collections.abc import Callable
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, JobId, ServicesDep, Step, reads
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.http.headers import media_type
from dualtrain.api.predictions.answers import Predictions
from dualtrain.api.predictions.bodies import BODY_BYTES, JSON, MULTIPART
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.sandbox.messages import Message
from dualtrain.api.sandbox.spool import spooled
from dualtrain.api.security import Key
from dualtrain.api.services import Services

router = APIRouter(prefix="/v1", tags=["predictions"], dependencies=reads)

Preview = Annotated[bool, Query(description="return the 28x28 image that the model saw")]
Name = Annotated[str | None, Query(max_length=100, description="a job's id or an alias; else the best model there is")]

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            JSON: {
                "schema": {"$ref": "#/components/schemas/PredictionRequest"},
                "examples": {"a black image": {"value": {"pixels": [[0] * 784]}}},
            },
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "required": ["image"],
                    "properties": {
                        "image": {"type": "array", "items": {"type": "string", "format": "binary"}},
                        "model": {"type": "string"},
                    },
                }
            },
        },
    }
}
_DOCUMENTED: dict[str, Any] = {
    "openapi_extra": _BODY,
    "max_body_size": BODY_BYTES,
    "responses": {
        200: {"model": Predictions, "description": "One prediction for each image"},
        **documented("bad_request", "malformed_json", "unauthenticated", "forbidden", "job_not_found", "not_there_yet",
                     "body_too_large", "unsupported_media_type", "invalid", "over_limit", "busy", "store_unavailable"),
    },
}  # fmt: skip


@router.post("/jobs/{job_id}/predictions", **_DOCUMENTED)
async def predict_with_job(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    job_id: JobId,
    step: Step = "last",
    preview: Preview = False,
) -> Response:
    """Classify images by a job's newest checkpoint, while it runs, or by another one that is kept."""
    return await _predict(request, services, key, partial(services.models.of_job, key, job_id, step), preview)


@router.post("/predictions", **_DOCUMENTED)
async def predict(
    request: Request, services: ServicesDep, key: CallerDep, model: Name = None, preview: Preview = False
) -> Response:
    """Classify images by the best model there is, or by the one that `model` names."""
    find = partial(services.models.named, key, model) if model else None
    return await _predict(request, services, key, find, preview)


async def _predict(
    request: Request, services: Services, key: Key, find: Callable[[], LoadedModel] | None, preview: bool
) -> Response:
    """Answer by the model that `find` returns; without it the body may name one."""
    if media_type(request) not in (JSON, MULTIPART):
        raise Problem("unsupported_media_type", f"send {JSON}, or {MULTIPART} with files `image`")
    pool = services.pools.answers
    with pool.admitted(key.name) as admission:
        async with spooled(request, services.settings.data_dir, admission) as body:
            model = await run_in_threadpool(find) if find else None  # first: an unknown one needs no decoding
            arguments = {
                "content_type": request.headers["content-type"],
                "model": model and model.document,
                "preview": preview,
            }
            files = (body, model.file) if model else (body,)
            reading = pool.run(key.name, "predict", arguments, files, partial(_named, services, key))
            reply = await unless_disconnected(request, reading)
    services.counters.observe("dualtrain_prediction_seconds", reply.document["result"]["seconds"])
    return Response(reply.block, media_type=JSON)


async def _named(services: Services, key: Key, question: dict[str, Any]) -> Message:
    """Return the model that a body names, or the best one."""
    name = question["model"]
    find = partial(services.models.named, key, name) if name else partial(services.models.best, key)
    model = await run_in_threadpool(find)
    return Message(model.document, files=(model.file,))
