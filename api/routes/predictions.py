"""Predictions: by a job's model, or by the best there is."""

import time
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Request, Response
from numpy.typing import NDArray
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, JobId, ServicesDep, Step, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.predictions import Sent, read
from dualtrain.api.predictions.answers import Predictions, answered
from dualtrain.api.predictions.bodies import BODY_BYTES
from dualtrain.api.predictions.model import Model
from dualtrain.api.security import Key
from dualtrain.api.services import Services

router = APIRouter(prefix="/v1", tags=["predictions"], dependencies=reads)

Preview = Annotated[bool, Query(description="send back the 28x28 image that the model saw")]
Name = Annotated[str | None, Query(max_length=100, description="a job's id or an alias; else the best model there is")]

_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {"$ref": "#/components/schemas/PredictionRequest"},
                "examples": {"a black image": {"value": {"pixels": [[0] * 784]}}},
            },
            "multipart/form-data": {
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
                     "body_too_large", "unsupported_media_type", "invalid", "store_unavailable"),
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
    """Say which digits these images show: by a job's newest checkpoint, while it runs, or by another that is kept."""
    return await run_in_threadpool(_by_job, services, key, await read(request), job_id, step, preview)


@router.post("/predictions", **_DOCUMENTED)
async def predict(
    request: Request, services: ServicesDep, key: CallerDep, model: Name = None, preview: Preview = False
) -> Response:
    """Say which digits these images show: by the best model there is, or by the one that `model` names."""
    return await run_in_threadpool(_by_name, services, key, await read(request), model, preview)


def _by_job(services: Services, key: Key, sent: Sent, job_id: str, step: str, preview: bool) -> Response:
    model = services.models.of_job(key, job_id, step)  # before the images: what is not there needs no decoding
    images, _ = sent.images()
    return _answer(services, model, images, preview)


def _by_name(services: Services, key: Key, sent: Sent, name: str | None, preview: bool) -> Response:
    images, said = sent.images()
    name = name or said
    model = services.models.named(key, name) if name else services.models.best(key)
    return _answer(services, model, images, preview)


def _answer(services: Services, model: Model, images: NDArray[np.uint8], preview: bool) -> Response:
    started = time.perf_counter()
    body = answered(model, images, preview)
    services.counters.observe("dualtrain_prediction_seconds", time.perf_counter() - started)
    return Response(body, media_type="application/json")
