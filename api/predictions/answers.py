"""Responses to predictions: probabilities and, on request, the images as the model saw them; their OpenAPI schemas."""

import base64
import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import BaseModel, Field
from pydantic_core import to_json

from dualtrain.api.predictions.model import LoadedModel
from dualtrain.core.data import resize

DECIMALS = 7
"""Decimals of a probability: more would be rounding noise of float32, and a third more bytes."""


class Prediction(BaseModel):
    """Prediction for one image. `digit` is the number of the most probable class, `label` its name."""

    digit: int
    label: str
    probabilities: list[float]
    preview: str | None = Field(
        None,
        description="with `preview=true`: the image as the model saw it, `image_size` pixels a side, PNG in base64",
    )


class ModelName(BaseModel):
    """The model that answered."""

    job_id: str
    step: int


class Predictions(BaseModel):
    """Predictions for the images of a request, in their order."""

    predictions: list[Prediction]
    model: ModelName


class PredictionRequest(BaseModel):
    """Body of a prediction request: either `images` or `pixels`."""

    images: list[str] | None = Field(None, description="PNG, JPEG or WebP files, base64", max_length=20_000)
    pixels: list[list[float]] | None = Field(
        None,
        description="28x28 numbers 0 to 255, row after row: MNIST's own form, light on black",
        max_length=20_000,
    )
    model: str | None = Field(None, description="a job's id or an alias; for `POST /v1/predictions`")


def respond(model: LoadedModel, images: NDArray[np.uint8], preview: bool) -> bytes:
    """Return the JSON of `Predictions` for images (n, 28, 28)."""
    probabilities = model.classify(images)
    digits = probabilities.argmax(axis=1).tolist()
    rows = np.round(probabilities.astype(np.float64), DECIMALS).tolist()
    predictions: list[dict[str, Any]] = [
        {"digit": digit, "label": model.classes[digit], "probabilities": row}
        for digit, row in zip(digits, rows, strict=True)
    ]
    if preview:
        for prediction, image in zip(predictions, images, strict=True):
            prediction["preview"] = preview_of(model, image)
    return to_json({"predictions": predictions, "model": {"job_id": model.job_id, "step": model.step}})


def preview_of(model: LoadedModel, image: NDArray[np.uint8]) -> str:
    """Return an image (28, 28) at the size the model was trained on, as a PNG file in base64."""
    side = model.image_size
    return base64.b64encode(png(resize(image[np.newaxis], side).reshape(side, side))).decode()


def png(image: NDArray[np.uint8]) -> bytes:
    """Return a gray image (height, width) as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "PNG")
    return file.getvalue()
