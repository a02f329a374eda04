"""Requests for predictions, and their results."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

import httpx2

from dualtrain.client.retry import parsed

Image: TypeAlias = str | Path | bytes
"""A PNG, JPEG or WebP file, or its bytes."""
Pixels: TypeAlias = Sequence[float]
"""28x28 numbers 0 to 255, row after row, light on black: MNIST's own form."""


@dataclass(frozen=True)
class Prediction:
    """`digit` is the number of the most probable class, `label` its name."""

    digit: int
    label: str
    probabilities: tuple[float, ...]


def body(images: Iterable[Image | Sequence[Image]], pixels: Iterable[Pixels]) -> dict[str, Any]:
    """Return the request's body as options of httpx2; an image may also be a list of images.

    Raises ValueError when there are both images and pixels, or neither.
    """
    files = [("image", _file(image)) for group in images for image in _flat(group)]
    rows = [list(row) for row in pixels]
    if bool(files) == bool(rows):
        raise ValueError("pass images or pixels, one of the two")
    return {"files": files} if files else {"json": {"pixels": rows}}


def parse(response: httpx2.Response) -> list[Prediction]:
    """Return the predictions of a response, one for each image."""
    return parsed(response, _predictions)


def _flat(group: Image | Sequence[Image]) -> Sequence[Image]:
    return [group] if isinstance(group, str | Path | bytes) else group


def _predictions(reply: Any) -> list[Prediction]:
    return [
        Prediction(prediction["digit"], prediction["label"], tuple(prediction["probabilities"]))
        for prediction in reply["predictions"]
    ]


def _file(image: Image) -> tuple[str, bytes]:
    return ("image", image) if isinstance(image, bytes) else (Path(image).name, Path(image).read_bytes())
