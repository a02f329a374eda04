"""Traces on request: which parameter, which image, which class, and the response."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from dualtrain.api.predictions.answers import preview_of
from dualtrain.api.predictions.errors import MalformedJSON, fault
from dualtrain.api.predictions.images import PIXELS, Images, from_base64
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.predictions.trace import Direction, Trace, address, locate, trace
from dualtrain.core import validation
from dualtrain.core.data import SIDE, ImageError, UnknownDataset, load, prepare
from dualtrain.core.validation import Invalid

MAX_INDEX = 10**9
Pixel = Annotated[float, Field(ge=0, le=255)]
Index = Annotated[int, Field(ge=0, le=MAX_INDEX)]


class TraceRequest(BaseModel):
    """A direction, by place or as `parameter`, and an image: one of `test_sample`, `pixels`, `image`."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)

    layer: Index = 0
    name: str = Field(
        "weights",
        max_length=64,
        description="weights, bias, kernel, scale, offset; in a residual `0.weights`",
    )
    row: Index = 0
    column: Index = 0
    parameter: Index | None = Field(
        None, description="its number in the flat vector, in place of the four fields above"
    )
    test_sample: Index | None = Field(None, description="number of a sample of the test split; 0 when nothing is sent")
    pixels: list[Pixel] | None = Field(None, min_length=PIXELS, max_length=PIXELS)
    image: str | None = Field(None, max_length=12_000_000, description="PNG, JPEG or WebP, base64")
    label: Index | None = Field(None, description="the true class; else the sample's, or the most probable one")


class Place(BaseModel):
    """Place of a direction: `E_ij` is 1 there and 0 everywhere else."""

    parameter: int
    layer: int
    name: str
    row: int
    column: int


class TracedLayer(BaseModel):
    """Output of a layer: `value + tangent·ε`, unit by unit."""

    values: list[float]
    tangents: list[float]


class TraceView(BaseModel):
    """One direction followed for one image, in float64. `derivative` is the tangent of the loss."""

    job_id: str
    step: int
    direction: Place
    label: int
    layers: list[TracedLayer] = Field(description="the last one's softmax included")
    loss: float
    derivative: float
    finite_difference: float = Field(description="(L(θ+h) - L(θ-h)) / 2h, to compare with")
    finite_difference_step: float = Field(description="h")
    preview: str = Field(description="the image at the model's `image_size`, PNG in base64")


def parse(raw: bytes) -> TraceRequest:
    """Return the request in a body; an empty one is the default. Raises MalformedJSON, Invalid."""
    if not raw:
        return TraceRequest()
    try:
        return validation.parse(TraceRequest, raw)
    except Invalid:
        raise
    except ValueError as error:
        raise MalformedJSON(str(error)) from None


def respond(model: LoadedModel, request: TraceRequest, data_dir: Path, hub_datasets: Sequence[str]) -> TraceView:
    """Return the trace that a request asks for. Raises Invalid."""
    direction = _direction(model, request)
    image, sample_label = _image(model, request, data_dir, hub_datasets)
    label = _label(model, request, image, sample_label)
    inputs = model.inputs(image).astype(np.float64)
    parameters = model.parameters.astype(np.float64)
    try:
        result = trace(model.network, parameters, direction, inputs, label)
    except TypeError as error:
        raise fault("/layer", "not_differentiable", f"no tangent goes through this network: {error}") from error
    return _view(model, direction, image, label, result)


def _direction(model: LoadedModel, request: TraceRequest) -> Direction:
    try:
        if request.parameter is not None:
            return locate(model.network, request.parameter)
        return address(model.network, request.layer, request.name, request.row, request.column)
    except LookupError as error:
        raise fault("", "no_such_parameter", str(error)) from error


def _image(
    model: LoadedModel, request: TraceRequest, data_dir: Path, hub_datasets: Sequence[str]
) -> tuple[Images, int | None]:
    """Return the image (1, 28, 28) of the request, and its class if it is a test sample."""
    if request.pixels is not None:
        return np.rint(request.pixels).astype(np.uint8).reshape(1, SIDE, SIDE), None
    if request.image is not None:
        return _picture(request.image, model.preprocessing)[np.newaxis], None
    number = request.test_sample or 0
    try:
        data = load(model.spec.dataset.name, SIDE, data_dir, hub_datasets)
    except UnknownDataset as error:
        raise fault("/test_sample", "unknown_dataset", f"{error}; send `pixels` or an `image`") from error
    last = len(data.test_labels) - 1
    if number > last:
        message = f"there is no test sample {number}; they are numbered 0 to {last}"
        raise fault("/test_sample", "no_such_sample", message)
    return np.asarray(data.test_images[number]).reshape(1, SIDE, SIDE), int(data.test_labels[number])


def _picture(text: str, preprocessing: str) -> Images:
    try:
        return prepare(from_base64(text), preprocessing)
    except ImageError as error:
        raise fault("/image", error.code, str(error)) from error
    except ValueError:
        raise fault("/image", "not_base64", "an image is a string of base64") from None


def _label(model: LoadedModel, request: TraceRequest, image: Images, sample_label: int | None) -> int:
    """Return the class whose loss is traced: the requested one, the sample's own, or the predicted one."""
    label = request.label if request.label is not None else sample_label
    if label is None:
        return int(model.classify(image).argmax())
    last = len(model.classes) - 1
    if label > last:
        raise fault("/label", "unknown_class", f"there is no class {label}; they are numbered 0 to {last}")
    return label


def _view(model: LoadedModel, direction: Direction, image: Images, label: int, result: Trace) -> TraceView:
    return TraceView(
        job_id=model.job_id,
        step=model.step,
        direction=Place(**asdict(direction)),
        label=label,
        layers=[TracedLayer(values=values, tangents=tangents) for values, tangents in result.layers],
        loss=result.loss,
        derivative=result.derivative,
        finite_difference=result.finite_difference,
        finite_difference_step=result.step,
        preview=preview_of(model, image[0]),
    )
