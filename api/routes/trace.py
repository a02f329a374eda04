"""The ε made visible: how one weight's tangent travels to the loss."""

import base64
from dataclasses import asdict
from typing import Annotated, Any, Literal

import numpy as np
from fastapi import APIRouter, Body
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from dualtrain.api.dependencies import CallerDep, JobDep, ServicesDep, Step, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.errors.validation import fault
from dualtrain.api.predictions import Model
from dualtrain.api.predictions.answers import png
from dualtrain.api.predictions.bodies import from_base64
from dualtrain.api.predictions.trace import Direction, Trace, address, locate, trace
from dualtrain.api.services import Services
from dualtrain.core.data import SIDE, ImageError, UnknownDataset, load, treat

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["models"], dependencies=reads)

MAX_INDEX = 10**9
Pixel = Annotated[float, Field(ge=0, le=255)]
Index = Annotated[int, Field(ge=0, le=MAX_INDEX)]


class TraceRequest(BaseModel):
    """A direction, by place or as `parameter`, and an image: one of `test_sample`, `pixels`, `image`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    layer: Index = 0
    name: Literal["weights", "bias", "parameters"] = "weights"
    row: Index = 0
    column: Index = 0
    parameter: Index | None = Field(
        None, description="its number in the flat vector, in place of the four fields above"
    )
    test_sample: Index | None = Field(None, description="number of a sample of the test split; 0 when nothing is sent")
    pixels: list[Pixel] | None = Field(None, min_length=SIDE * SIDE, max_length=SIDE * SIDE)
    image: str | None = Field(None, max_length=12_000_000, description="PNG, JPEG or WebP, base64")
    label: Index | None = Field(None, description="the true class; else the sample's, or the most probable one")


class Place(BaseModel):
    """Where a direction lies: `E_ij` is 1 at this place and 0 everywhere else."""

    parameter: int
    layer: int
    name: str
    row: int
    column: int


class TracedLayer(BaseModel):
    """What comes out of a layer: `value + tangent·ε`, unit by unit."""

    values: list[float]
    tangents: list[float]


class TraceView(BaseModel):
    """One direction followed for one image, in float64. `derivative` is the dual part of the loss."""

    job_id: str
    step: int
    direction: Place
    label: int
    layers: list[TracedLayer] = Field(description="the last one's softmax included")
    loss: float
    derivative: float
    finite_difference: float = Field(description="(L(θ+h) - L(θ-h)) / 2h, to compare with")
    finite_difference_step: float = Field(description="h")
    preview: str = Field(description="the 28x28 image, PNG, base64")


@router.post(
    "/trace",
    response_model=TraceView,
    responses=documented("malformed_json", "unauthenticated", "forbidden", "job_not_found", "not_there_yet",
                         "body_too_large", "invalid", "store_unavailable"),
    max_body_size=16 << 20,
)  # fmt: skip
def trace_direction(
    services: ServicesDep,
    key: CallerDep,
    job: JobDep,
    asked: Annotated[TraceRequest, Body(default_factory=TraceRequest)],
    step: Step = "last",
) -> Any:
    """Follow `W + E_ij·ε` through the layers to the loss, with the finite difference beside the derivative."""
    model = services.models.of_job(key, job.id, step)
    direction = _direction(model, asked)
    image, known = _image(services, model, asked)
    label = _label(model, asked, image, known)
    try:
        inputs, parameters = model.inputs(image).astype(np.float64), model.parameters.astype(np.float64)
        found = trace(model.network, parameters, direction, inputs, label)
    except TypeError as error:
        raise fault("/layer", "not_differentiable", f"no tangent goes through this network: {error}") from error
    return _view(model, direction, image, label, found)


def _label(model: Model, asked: TraceRequest, image: NDArray[np.uint8], known: int | None) -> int:
    """Return the class whose loss is traced: the one asked for, the sample's own, or the model's answer."""
    label = asked.label if asked.label is not None else known
    label = int(model.answer(image).argmax()) if label is None else label
    if label >= len(model.classes):
        raise fault(
            "/label", "unknown_class", f"there is no class {label}; they are numbered 0 to {len(model.classes) - 1}"
        )
    return label


def _view(model: Model, direction: Direction, image: NDArray[np.uint8], label: int, found: Trace) -> TraceView:
    return TraceView(
        job_id=model.job_id,
        step=model.step,
        direction=Place(**asdict(direction)),
        label=label,
        layers=[TracedLayer(values=values, tangents=tangents) for values, tangents in found.layers],
        loss=found.loss,
        derivative=found.derivative,
        finite_difference=found.finite_difference,
        finite_difference_step=found.step,
        preview=base64.b64encode(png(image[0])).decode(),
    )


def _direction(model: Model, asked: TraceRequest) -> Direction:
    try:
        if asked.parameter is not None:
            return locate(model.network, asked.parameter)
        return address(model.network, asked.layer, asked.name, asked.row, asked.column)
    except LookupError as error:
        raise fault("", "no_such_parameter", str(error)) from error


def _image(services: Services, model: Model, asked: TraceRequest) -> tuple[NDArray[np.uint8], int | None]:
    """Return the image (1, 28, 28) that is asked for, and its class if it is a test sample."""
    if asked.pixels is not None:
        return np.rint(asked.pixels).astype(np.uint8).reshape(1, SIDE, SIDE), None
    if asked.image is not None:
        return _picture(asked.image)[np.newaxis], None
    settings, number = services.settings, asked.test_sample or 0
    try:
        data = load(model.spec.dataset.name, SIDE, settings.data_dir, settings.hub_datasets)
    except UnknownDataset as error:
        raise fault("/test_sample", "unknown_dataset", f"{error}; send `pixels` or an `image`") from error
    if number >= len(data.test_labels):
        raise fault(
            "/test_sample",
            "no_such_sample",
            f"there is no test sample {number}; they are numbered 0 to {len(data.test_labels) - 1}",
        )
    return np.asarray(data.test_images[number]).reshape(1, SIDE, SIDE), int(data.test_labels[number])


def _picture(text: str) -> NDArray[np.uint8]:
    try:
        return treat(from_base64(text))
    except ImageError as error:
        raise fault("/image", error.code, str(error)) from error
    except ValueError:
        raise fault("/image", "not_base64", "an image is a string of base64") from None
