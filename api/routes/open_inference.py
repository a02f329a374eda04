"""The Open Inference Protocol v2, for KServe's and Triton's clients. Models are jobs and aliases."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, ServicesDep, reads
from dualtrain.api.errors.problems import Problem, documented_errors
from dualtrain.api.predictions.bodies import BODY_BYTES
from dualtrain.api.predictions.models import LAST
from dualtrain.api.predictions.open_inference import LENGTH, metadata
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.sandbox.spool import spooled
from dualtrain.api.security import Key
from dualtrain.api.services import Services
from dualtrain.core.version import __version__

router = APIRouter(prefix="/v2", tags=["open inference protocol"])

Name = Annotated[str, Path(max_length=100, description="a job's id or an alias")]
Version = Annotated[str, Path(pattern=r"^\d{1,12}$", description="a step whose checkpoint is kept")]
_PROBLEMS = documented_errors(
    "unauthenticated", "forbidden", "job_not_found", "not_there_yet", "invalid", "store_unavailable"
)
_INFER: dict[str, Any] = {
    "dependencies": reads,
    "max_body_size": BODY_BYTES,
    "openapi_extra": {
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/InferRequest"}}},
        }
    },
    "responses": {
        200: {"content": {"application/json": {}}},
        **_PROBLEMS,
        **documented_errors("bad_request", "body_too_large", "unsupported_media_type", "over_limit", "busy"),
    },
}


class Live(BaseModel):
    """Whether the server is alive."""

    live: bool


class Ready(BaseModel):
    """Whether the server can answer, as its store does."""

    ready: bool


class ModelReady(BaseModel):
    """Whether a model can answer."""

    name: str
    ready: bool


class ServerMetadata(BaseModel):
    """Name, version and extensions of the server."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(BaseModel):
    """An input or output; -1 stands for any number of images."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(BaseModel):
    """Versions, inputs and outputs of a model."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


@router.get(
    "", dependencies=reads, response_model=ServerMetadata, responses=documented_errors("unauthenticated", "forbidden")
)
async def server_metadata() -> Any:
    """Return name, version and extensions of this server."""
    return ServerMetadata(name="dualtrain", version=__version__, extensions=["binary_tensor_data"])


@router.get("/health/live", response_model=Live)
async def server_live() -> Any:
    """Return that the server is alive."""
    return Live(live=True)


@router.get("/health/ready", response_model=Ready, responses=documented_errors("store_unavailable"))
def server_ready(services: ServicesDep) -> Any:
    """Return whether models can be read; training needs a worker too, see `/readyz`."""
    services.store.ping()
    return Ready(ready=True)


@router.get("/models/{name}", dependencies=reads, response_model=ModelMetadata, responses=_PROBLEMS)
def model_metadata(services: ServicesDep, key: CallerDep, name: Name) -> Any:
    """Return inputs and outputs of a model."""
    return _metadata(services, key, name, LAST)


@router.get("/models/{name}/versions/{version}", dependencies=reads, response_model=ModelMetadata, responses=_PROBLEMS)
def version_metadata(services: ServicesDep, key: CallerDep, name: Name, version: Version) -> Any:
    """Return inputs and outputs of a checkpoint of a model."""
    return _metadata(services, key, name, version)


@router.get("/models/{name}/ready", dependencies=reads, response_model=ModelReady, responses=_PROBLEMS)
def model_ready(services: ServicesDep, key: CallerDep, name: Name) -> Any:
    """Return that a model can answer; 404 as long as its job has no checkpoint."""
    services.models.named(key, name)
    return ModelReady(name=name, ready=True)


@router.get(
    "/models/{name}/versions/{version}/ready", dependencies=reads, response_model=ModelReady, responses=_PROBLEMS
)
def version_ready(services: ServicesDep, key: CallerDep, name: Name, version: Version) -> Any:
    """Return that a checkpoint of a model can answer; 404 when it is not kept."""
    services.models.named(key, name, version)
    return ModelReady(name=name, ready=True)


@router.post("/models/{name}/infer", **_INFER)
async def infer(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    name: Name,
    header_length: Annotated[int | None, Header(alias=LENGTH, ge=0)] = None,
) -> Response:
    """Answer for `input` (n, image_size²) with `probabilities` (n, classes), by the newest checkpoint."""
    return await _infer(request, services, key, name, LAST, header_length)


@router.post("/models/{name}/versions/{version}/infer", **_INFER)
async def infer_version(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    name: Name,
    version: Version,
    header_length: Annotated[int | None, Header(alias=LENGTH, ge=0)] = None,
) -> Response:
    """Answer by the checkpoint of a step."""
    return await _infer(request, services, key, name, version, header_length)


def _metadata(services: Services, key: Key, name: str, step: str) -> Any:
    model = services.models.named(key, name, step)
    return metadata(name, model, [checkpoint.step for checkpoint in services.models.steps(model.job_id)])


async def _infer(
    request: Request, services: Services, key: Key, name: str, step: str, header_length: int | None
) -> Response:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem("unsupported_media_type", "send the body without compression")
    pool = services.pools.answers
    with pool.admitted(key.name) as admission:
        async with spooled(request, services.settings.data_dir, admission) as body:
            model = await run_in_threadpool(services.models.named, key, name, step)
            arguments = {"name": name, "model": model.document, "header_length": header_length}
            reading = pool.run(key.name, "infer", arguments, (body, model.file))
            reply = await unless_disconnected(request, reading)
    result = reply.document["result"]
    services.counters.observe("dualtrain_prediction_seconds", result["seconds"])
    return Response(reply.block, 200, result["headers"])
