"""What is sent to be answered: picture files, base64, or pixels; in any of these forms it becomes (n, 28, 28) uint8."""

import base64
import string
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from threading import Lock
from typing import Any

import numpy as np
from fastapi import Request
from numpy.typing import NDArray
from pydantic_core import from_json
from starlette.datastructures import UploadFile

from dualtrain.api.errors.problems import Problem
from dualtrain.api.errors.validation import fault, invalid
from dualtrain.api.http_headers import media_type
from dualtrain.core.data import SIDE, ImageError, treat
from dualtrain.core.validation import Fault

BODY_BYTES = 48 << 20
MAX_IMAGES = 20_000
MAX_FILES = 1000
DECODING_SECONDS = 10.0
"""Pictures in one request that take longer to decode are refused; they should come in several requests."""
MOST_FAULTS = 20
"""Pictures of one request that are told to be wrong; the rest is not looked at."""
SHOWN = 100
"""Characters of a file's name that are told."""
LARGE_BYTES = 1 << 20
PIXELS = SIDE * SIDE
_WHITESPACE = string.whitespace.encode()
"""It breaks the lines of MIME's base64; whatever else is foreign to base64 is a fault, though MIME would skip it."""

_one_large = Lock()
"""A large JSON body takes ten times its size while it is read, so such bodies are read one at a time."""

Images = NDArray[np.uint8]


@dataclass(frozen=True)
class Sent:
    """A body that has arrived, not looked at yet: JSON, or the named files of a form. `model` is the form's field."""

    json: bytes | None = None
    files: tuple[tuple[str, bytes], ...] = ()
    model: str | None = None

    def images(self) -> tuple[Images, str | None]:
        """Return the images (n, 28, 28), and the name of the model if one was sent. Raises Problem."""
        if self.json is None:
            return _pictures(self.files, "/image", _from_file), self.model
        if len(self.json) < LARGE_BYTES:
            return _document(self.json)
        with _one_large:
            return _document(self.json)


async def read(request: Request) -> Sent:
    """Return the body of a request. Raises Problem for a media type that is not understood."""
    kind = media_type(request)
    if kind == "application/json":
        return Sent(json=await request.body())
    if kind != "multipart/form-data":
        raise Problem("unsupported_media_type", "send application/json, or multipart/form-data with files `image`")
    async with request.form(max_files=MAX_FILES, max_fields=8) as form:
        parts = [part for part in form.getlist("image") if isinstance(part, UploadFile)]
        files = [((part.filename or "")[:SHOWN], await part.read()) for part in parts]
        model = form.get("model")
    if not files:
        raise fault("/image", "no_images", "there is no file in a field `image`")
    return Sent(files=tuple(files), model=model if isinstance(model, str) else None)


def _document(raw: bytes) -> tuple[Images, str | None]:
    if raw.count(b"[") + raw.count(b"{") > MAX_IMAGES + 2:
        raise fault("", "too_many_images", f"at most {MAX_IMAGES:,} images are taken in one request")
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise Problem("malformed_json", str(error)) from None
    if isinstance(body, dict):
        body = {name: value for name, value in body.items() if value is not None}
    forms = [name for name in ("pixels", "images") if isinstance(body, dict) and isinstance(body.get(name), list)]
    if len(forms) != 1 or set(body) - {*forms, "model"}:
        message = "send either `images`, a list of base64 strings, or `pixels`, a list of lists of 784 numbers"
        if isinstance(body, dict) and (others := sorted(set(body) - {"images", "pixels", "model"})):
            message = f"{message}; there is no field {others[0]!r} here"
        raise fault("", "one_of_images_pixels", message)
    model = body.get("model")
    if not isinstance(model, str | None):
        raise fault("/model", "string_type", "a job's id or an alias is a string")
    images = _pixels(body["pixels"]) if forms == ["pixels"] else _pictures(body["images"], "/images", _from_text)
    return images, model


def _pixels(rows: Sequence[Any]) -> Images:
    """Return rows of 784 numbers as images; `bytes` takes whole numbers from 0 to 255, and nothing else, at once."""
    wrong = next((i for i, row in enumerate(rows) if type(row) is not list or len(row) != PIXELS), None)
    if wrong is not None:
        raise fault(f"/pixels/{wrong}", "wrong_length", _length(rows[wrong]))
    try:
        data = b"".join(map(bytes, rows))
    except (TypeError, ValueError):
        data = b"".join(_rounded(row, i) for i, row in enumerate(rows))
    return _some(np.frombuffer(data, np.uint8).reshape(-1, SIDE, SIDE), "/pixels")


def _length(row: object) -> str:
    found = f"a list of {len(row)}" if isinstance(row, list) else f"a {type(row).__name__}"
    return f"an image is a list of {PIXELS} numbers, row after row; this is {found}"


def _rounded(row: Sequence[Any], index: int) -> bytes:
    wrong = [at for at, value in enumerate(row) if not (isinstance(value, int | float) and 0 <= value <= 255)]
    if wrong:
        raise fault(f"/pixels/{index}", "wrong_pixel", f"a pixel is a number from 0 to 255; number {wrong[0]} is none")
    return bytes(map(round, row))


def from_base64(text: str) -> bytes:
    """Return what base64 says, with or without `data:...,` before it, in lines or not. Raises ValueError."""
    return base64.b64decode(text.rpartition(",")[2].encode("ascii").translate(None, _WHITESPACE), validate=True)


def _pictures(sent: Iterable[Any], place: str, read: Callable[[Any], Images]) -> Images:
    images: list[Images] = []
    wrong: list[Fault] = []
    end = time.monotonic() + DECODING_SECONDS
    for index, one in enumerate(sent):
        try:
            images.append(read(one))
        except ImageError as error:
            wrong.append(Fault(f"{place}/{index}", error.code, str(error)))
        if len(wrong) == MOST_FAULTS:
            break
        if time.monotonic() > end:
            raise fault(f"{place}/{index}", "too_much_to_decode", "send these pictures in several requests")
    if wrong:
        raise invalid(wrong)
    return _some(np.array(images, np.uint8), place)


def _from_file(file: tuple[str, bytes]) -> Images:
    name, data = file
    try:
        return treat(data)
    except ImageError as error:
        raise ImageError(error.code, f"{name or 'a file without a name'}: {error}") from error


def _from_text(text: Any) -> Images:
    try:
        data = from_base64(text)
    except (AttributeError, ValueError):
        raise ImageError("not_base64", "an image is a string of base64") from None
    return treat(data)


def _some(images: Images, place: str) -> Images:
    if not len(images):
        raise fault(place, "no_images", "there is no image in the request")
    return images
