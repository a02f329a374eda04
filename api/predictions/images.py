"""Images of prediction requests, as pixels, files or base64; in any of these forms they become (n, 28, 28) uint8."""

import base64
import string
import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.api.predictions.errors import fault
from dualtrain.core.data import SIDE, ImageError, prepare
from dualtrain.core.validation import MAX_FAULTS, Fault, Invalid

DECODING_SECONDS = 10.0
"""Images of one request that take longer to decode are refused; they should come in several requests."""
PIXELS = SIDE * SIDE
_WHITESPACE = string.whitespace.encode()
"""It breaks the lines of MIME's base64; any other byte foreign to base64 is a fault, though MIME would skip it."""

Images = NDArray[np.uint8]


def from_pixels(rows: Sequence[Any], bools: bool) -> Images:
    """Return rows of 784 numbers as images. `bools`: whether there may be `true` or `false` among them.

    Raises Invalid.
    """
    wrong = next((i for i, row in enumerate(rows) if type(row) is not list or len(row) != PIXELS), None)
    if wrong is not None:
        raise fault(f"/pixels/{wrong}", "wrong_length", _length(rows[wrong]))
    try:
        if bools:
            raise ValueError("`bytes` would accept them")
        data = b"".join(map(bytes, rows))  # whole numbers from 0 to 255, and nothing else, at once
    except (TypeError, ValueError):
        data = b"".join(_rounded(row, i) for i, row in enumerate(rows))
    return _at_least_one(np.frombuffer(data, np.uint8).reshape(-1, SIDE, SIDE), "/pixels")


def from_files(files: Sequence[tuple[str, bytes]], preprocessing: str) -> Images:
    """Return picture files, by name, as images, prepared as those of the model's data set. Raises Invalid."""
    return _decoded(files, "/image", partial(_from_file, preprocessing))


def from_base64_texts(texts: Sequence[Any], preprocessing: str) -> Images:
    """Return picture files in base64 as images, prepared as those of the model's data set. Raises Invalid."""
    return _decoded(texts, "/images", partial(_from_text, preprocessing))


def from_base64(text: str) -> bytes:
    """Return the bytes of a base64 text, with or without `data:...,` before it, in lines or not. Raises ValueError."""
    return base64.b64decode(text.rpartition(",")[2].encode("ascii").translate(None, _WHITESPACE), validate=True)


def _length(row: object) -> str:
    kind = f"a list of {len(row)}" if isinstance(row, list) else f"a {type(row).__name__}"
    return f"an image is a list of {PIXELS} numbers, row after row; this is {kind}"


def _rounded(row: Sequence[Any], index: int) -> bytes:
    wrong = next((i for i, value in enumerate(row) if not _is_pixel(value)), None)
    if wrong is not None:
        raise fault(f"/pixels/{index}", "wrong_pixel", f"a pixel is a number from 0 to 255; number {wrong} is none")
    return bytes(map(round, row))


def _is_pixel(value: Any) -> bool:
    return type(value) in (int, float) and 0 <= value <= 255


def _decoded(items: Iterable[Any], place: str, decode: Callable[[Any], Images]) -> Images:
    images: list[Images] = []
    faults: list[Fault] = []
    end = time.monotonic() + DECODING_SECONDS
    for index, item in enumerate(items):
        try:
            images.append(decode(item))
        except ImageError as error:
            faults.append(Fault(f"{place}/{index}", error.code, str(error)))
        if len(faults) == MAX_FAULTS:  # the rest is not decoded
            break
        if time.monotonic() > end:
            raise fault(f"{place}/{index}", "too_much_to_decode", "send these images in several requests")
    if faults:
        raise Invalid(faults)
    return _at_least_one(np.array(images, np.uint8), place)


def _from_file(preprocessing: str, file: tuple[str, bytes]) -> Images:
    name, data = file
    try:
        return prepare(data, preprocessing)
    except ImageError as error:
        raise ImageError(error.code, f"{name or 'a file without a name'}: {error}") from error


def _from_text(preprocessing: str, text: Any) -> Images:
    try:
        data = from_base64(text)
    except (AttributeError, ValueError):
        raise ImageError("not_base64", "an image is a string of base64") from None
    return prepare(data, preprocessing)


def _at_least_one(images: Images, place: str) -> Images:
    if not len(images):
        raise fault(place, "no_images", "there is no image in the request")
    return images
