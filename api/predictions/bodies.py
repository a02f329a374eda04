"""Bodies of prediction requests: JSON, or a form with picture files. Reading costs are linear in their size."""

from collections.abc import AsyncGenerator, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic_core import from_json
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from dualtrain.api.predictions.errors import MalformedBody, MalformedJSON, fault
from dualtrain.api.predictions.images import PIXELS, Images, from_base64_texts, from_files, from_pixels

BODY_BYTES = 48 << 20
MAX_IMAGES = 20_000
MAX_FILES = 1000
MAX_FIELDS = 8
CHUNK_BYTES = 1 << 16
"""Bytes of a form that are parsed at once."""
NAME_LENGTH = 100
"""Characters of a file's name that appear in errors."""
JSON, MULTIPART = "application/json", "multipart/form-data"
_TOO_MANY = f"at most {MAX_IMAGES:,} images are accepted in one request"
_EITHER = "send either `images`, a list of base64 strings, or `pixels`, a list of lists of 784 numbers"
_FORMS = ("pixels", "images")


@dataclass(frozen=True)
class PredictionBody:
    """A body taken apart, its images not decoded yet: exactly one of the first three is there.

    `bools`: whether `pixels` may hold `true` or `false`, which Python counts as numbers.
    """

    pixels: Sequence[Any] | None = None
    texts: Sequence[Any] | None = None
    files: Sequence[tuple[str, bytes]] | None = None
    model: str | None = None
    bools: bool = False

    def images(self, preprocessing: str) -> Images:
        """Return the images (n, 28, 28), files prepared as those of the model's data set. Raises Invalid."""
        if self.pixels is not None:
            return from_pixels(self.pixels, self.bools)
        if self.texts is not None:
            return from_base64_texts(self.texts, preprocessing)
        return from_files(self.files or (), preprocessing)


def parse(content_type: str, raw: bytes) -> PredictionBody:
    """Return the parts of a body. Raises MalformedJSON, MalformedBody, Invalid."""
    if content_type.lower().startswith(MULTIPART):
        return _at_once(_form(content_type, raw))
    return _document(raw)


def _document(raw: bytes) -> PredictionBody:
    if raw.count(b"[") + raw.count(b"{") > MAX_IMAGES + 2 or raw.count(b",") > MAX_IMAGES * PIXELS + 2:
        raise fault("", "too_many_images", _TOO_MANY)
    try:
        body = from_json(raw, allow_inf_nan=False)
    except ValueError as error:
        raise MalformedJSON(str(error)) from None
    if not isinstance(body, dict):
        raise fault("", "one_of_images_pixels", _EITHER)
    fields = {name: value for name, value in body.items() if value is not None}
    form = _form_of(fields)
    model = fields.get("model")
    if not isinstance(model, str | None):
        raise fault("/model", "string_type", "a job's id or an alias is a string")
    if form == "images":
        return PredictionBody(texts=fields["images"], model=model)
    return PredictionBody(pixels=fields["pixels"], model=model, bools=b"true" in raw or b"false" in raw)


def _form_of(fields: dict[str, Any]) -> str:
    """Return the one field of `_FORMS` that is there, a list. Raises Invalid."""
    forms = [name for name in _FORMS if isinstance(fields.get(name), list)]
    unknown = sorted(set(fields) - {*_FORMS, "model"})
    if len(forms) == 1 and set(fields) <= {*forms, "model"}:
        return forms[0]
    more = f"; there is no field {unknown[0][:NAME_LENGTH]!r} here" if unknown else ""
    raise fault("", "one_of_images_pixels", _EITHER + more)


class _Parser(MultiPartParser):
    spool_max_size = BODY_BYTES  # in memory: this process has limits, and its disk may be small


async def _form(content_type: str, raw: bytes) -> PredictionBody:
    headers = Headers({"content-type": content_type})
    try:
        form = await _Parser(headers, _chunks(raw), max_files=MAX_FILES, max_fields=MAX_FIELDS).parse()
    except (MultiPartException, ValueError) as error:
        raise MalformedBody(f"the form cannot be read: {error}") from None
    parts = [part for part in form.getlist("image") if isinstance(part, UploadFile)]
    if not parts:
        raise fault("/image", "no_images", "there is no file in a field `image`")
    files = [((part.filename or "")[:NAME_LENGTH], await part.read()) for part in parts]
    model = form.get("model")
    return PredictionBody(files=files, model=model if isinstance(model, str) else None)


def _at_once(parsing: Coroutine[Any, Any, PredictionBody]) -> PredictionBody:
    """Return the result of a coroutine that never waits, as all its data are in memory; an event loop takes longer."""
    try:
        parsing.send(None)
    except StopIteration as end:
        body: PredictionBody = end.value
        return body
    raise RuntimeError("the parser of forms waits for something")


async def _chunks(raw: bytes) -> AsyncGenerator[bytes, None]:
    for start in range(0, len(raw), CHUNK_BYTES):
        yield raw[start : start + CHUNK_BYTES]
