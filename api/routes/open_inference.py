"""The Open Inference Protocol v2: KServe's and Triton's clients work with it. Models are jobs and aliases."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Path, Request, Response
from pydantic import BaseModel
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, ServicesDep, reads
from dualtrain.api.errors.problems import Problem, documented_errors
from dualtrain.api.predictions import Model
from dualtrain.api.predictions.bodies import BODY_BYTES
from dualtrain.api.predictions.models import LAST
from dualtrain.api.predictions.open_inference import LENGTH, Infer, metadata
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
        **documented_errors("bad_request", "body_too_large", "unsupported_media_type"),
    },
}


class Live(BaseModel):
    """Whether the server is alive."""

    live: bool


class Ready(BaseModel):
    """Whether the server can answer: its store does."""

    ready: bool


class ModelReady(BaseModel):
    """Whether a model can answer."""

    name: str
    ready: bool


class Server(BaseModel):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class TensorDocument(BaseModel):
    """An input or output; -1 stands for any number of images."""

    name: str
    datatype: str
    shape: list[int]


class ModelDocument(BaseModel):
    """What a model is."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorDocument]
    outputs: list[TensorDocument]


@router.get("", dependencies=reads, response_model=Server, responses=documented_errors("unauthenticated", "forbidden"))
async def server_metadata() -> Any:
    """Tell what this server is."""
    return Server(name="dualtrain", version=__version__, extensions=["binary_tensor_data"])


@router.get("/health/live", response_model=Live)
async def server_live() -> Any:
    """Tell that the server is alive."""
    return Live(live=True)


@router.get("/health/ready", response_model=Ready, responses=documented_errors("store_unavailable"))
def server_ready(services: ServicesDep) -> Any:
    """Tell whether models can be read; training needs a worker too, see `/readyz`."""
    services.store.ping()
    return Ready(ready=True)


@router.get("/models/{name}", dependencies=reads, response_model=ModelDocument, responses=_PROBLEMS)
def model_metadata(services: ServicesDep, key: CallerDep, name: Name) -> Any:
    """Tell what a model takes and gives."""
    return _metadata(services, key, name, LAST)


@router.get("/models/{name}/versions/{version}", dependencies=reads, response_model=ModelDocument, responses=_PROBLEMS)
def version_metadata(services: ServicesDep, key: CallerDep, name: Name, version: Version) -> Any:
    """Tell what a checkpoint of a model takes and gives."""
    return _metadata(services, key, name, version)


@router.get("/models/{name}/ready", dependencies=reads, response_model=ModelReady, responses=_PROBLEMS)
def model_ready(services: ServicesDep, key: CallerDep, name: Name) -> Any:
    """Tell that a model can answer; 404 as long as its job has no checkpoint."""
    services.models.named(key, name)
    return ModelReady(name=name, ready=True)


@router.get(
    "/models/{name}/versions/{version}/ready", dependencies=reads, response_model=ModelReady, responses=_PROBLEMS
)
def version_ready(services: ServicesDep, key: CallerDep, name: Name, version: Version) -> Any:
    """Tell that a checkpoint of a model can answer; 404 when it is not kept."""
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
    return metadata(name, model, [one.step for one in services.models.steps(model.job_id)])


async def _infer(
    request: Request, services: Services, key: Key, name: str, step: str, header_length: int | None
) -> Response:
    if request.headers.get("content-encoding", "identity") != "identity":
        raise Problem("unsupported_media_type", "send the body without compression")
    body = await request.body()
    return await run_in_threadpool(_answer, services, key, name, step, body, header_length)


def _answer(services: Services, key: Key, name: str, step: str, body: bytes, header_length: int | None) -> Response:
    model: Model = services.models.named(key, name, step)
    content, headers = Infer.parse(body, header_length).answer(name, model)
    return Response(content, 200, headers)
