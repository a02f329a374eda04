"""Pictures that people send: read with limits, whatever they claim to be, and brought into MNIST's form."""

import io
from collections.abc import Callable
from contextlib import nullcontext
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from dualtrain.core.data.image_structure import TooComplex, check_jpeg, check_png
from dualtrain.core.data.preprocessing import Blank, mnist_form
from dualtrain.core.data.resizing import SIDE

MAX_BYTES = 8 << 20
MAX_PIXELS = 4_000_000
"""Decoded in some ten milliseconds; a digit needs no more."""
MAX_JPEG_PIXELS = 16_000_000
"""Photographs of telephones, which the decoder makes smaller while it reads."""
WORKING_SIDE = 256
"""Larger pictures are averaged down to about this side before they are looked at: it takes noise away as well."""
MIDDLE = 127
"""The grey between ink and paper, half of 255."""

_one_large = Lock()
"""Some decoders hold a JPEG whole, six bytes for each pixel, so large ones are read one at a time."""


class ImageError(ValueError):
    """A picture that cannot be taken; `code` is for programs and stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def prepare(data: bytes, preprocessing: str) -> NDArray[np.uint8]:
    """Return a picture file as (28, 28), prepared as a key of `PREPARATIONS` says. Raises ImageError."""
    return PREPARATIONS[preprocessing](data)


def plain(data: bytes) -> NDArray[np.uint8]:
    """Return the picture in a PNG, JPEG or WebP file in grey at (28, 28), and otherwise as it is. Raises ImageError."""
    image = Image.fromarray(np.rint(grey(data)).astype(np.uint8))
    return np.asarray(image if image.size == (SIDE, SIDE) else image.resize((SIDE, SIDE), Image.Resampling.BILINEAR))


def treat(data: bytes) -> NDArray[np.uint8]:
    """Return the picture in a PNG, JPEG or WebP file as MNIST would show it: (28, 28), light ink on black.

    Raises ImageError with code `image_too_large`, `unknown_image_format`, `too_many_pixels`, `broken_image` or
    `blank_image`.
    """
    try:
        return mnist_form(grey(data))
    except Blank as blank:
        raise ImageError("blank_image", str(blank)) from None


def grey(data: bytes) -> NDArray[np.float32]:
    """Return a picture as (height, width), 0 black to 255 white: first frame, upright.

    Where it is transparent it lies on white, or on black if all that can be seen is bright.
    """
    image = _opened(data)
    turn = _one_large if image.width * image.height > MAX_PIXELS else nullcontext()
    image.draft(None, (2 * WORKING_SIDE, 2 * WORKING_SIDE))  # by 2, 4 or 8, of a JPEG alone
    _check_size(*image.size)
    try:
        with turn:
            return _averaged(_grey(ImageOps.exif_transpose(image)))
    except Exception as error:  # a hostile file makes a decoder raise anything
        raise _broken(error) from error
    finally:
        image.close()


def _opened(data: bytes) -> Image.Image:
    """Return the picture with its header read and nothing else.

    The decoders are called by name: `Image.open` would try formats that nobody needs and warn where we refuse.
    """
    if len(data) > MAX_BYTES:
        raise ImageError("image_too_large", f"the file has {len(data):,} bytes; at most {MAX_BYTES:,} are taken")
    opener = next((opener for fits, opener in _OPENERS if fits(data)), None)
    if opener is None:
        raise ImageError("unknown_image_format", "this is not a PNG, JPEG or WebP file, whatever its name says")
    try:
        return opener(io.BytesIO(data))
    except TooComplex as error:
        raise ImageError("image_too_complex", str(error)) from None
    except Exception as error:
        raise _broken(error) from error


def _jpeg(file: io.BytesIO) -> Image.Image:
    check_jpeg(file.getvalue())
    image = JpegImageFile(file)
    _check_size(*image.size, MAX_JPEG_PIXELS)
    return image


def _png(file: io.BytesIO) -> Image.Image:
    check_png(file.getvalue())
    return PngImageFile(file)


def _webp(file: io.BytesIO) -> Image.Image:
    """Open a WebP file; its decoder reserves memory for all pixels at once, so the header is looked at before."""
    header = file.getvalue()[:30].ljust(30, b"\0")
    fields = {b"VP8 ": (26, 2, 0x3FFF, 0), b"VP8X": (24, 3, 0xFFFFFF, 1)}.get(header[12:16])
    if fields:
        start, length, mask, more = fields
        sides = [int.from_bytes(header[at : at + length], "little") & mask for at in (start, start + length)]
    else:  # VP8L packs both sides into 28 bits
        packed, more = int.from_bytes(header[21:25], "little"), 1
        sides = [packed & 0x3FFF, packed >> 14 & 0x3FFF]
    _check_size(*(side + more for side in sides))
    return WebPImageFile(file)


_OPENERS: tuple[tuple[Callable[[bytes], bool], Callable[[io.BytesIO], Image.Image]], ...] = (
    (lambda data: data.startswith(b"\x89PNG\r\n\x1a\n"), _png),
    (lambda data: data.startswith(b"\xff\xd8\xff"), _jpeg),
    (lambda data: data[:4] == b"RIFF" and data[8:12] == b"WEBP", _webp),
)
"""Formats by their first bytes, with what opens them."""


def _check_size(width: int, height: int, most: int = MAX_PIXELS) -> None:
    if width * height > most:
        message = f"the picture has {width} x {height} pixels; at most {most:,} are taken, so make it smaller"
        raise ImageError("too_many_pixels", message)


def _grey(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):  # 16 bits; a plain conversion would cut them off at 255
        return Image.fromarray((np.asarray(image, np.float32) / 257).clip(0, 255).astype(np.uint8))
    if image.has_transparency_data:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, _paper(image)), image)
    return image.convert("L")


def _paper(image: Image.Image) -> str:
    """Return the colour on which what can be seen of a picture shows: white ink would be lost on white."""
    shades, opacity = np.moveaxis(np.asarray(image.convert("LA")), -1, 0)
    visible = shades[opacity > MIDDLE]
    return "black" if visible.size and visible.min() > MIDDLE else "white"


def _averaged(image: Image.Image) -> NDArray[Any]:
    factor = max(image.size) // WORKING_SIDE
    small = image.reduce(factor) if factor > 1 else image
    return np.asarray(small, np.float32)


def _broken(error: Exception) -> ImageError:
    if isinstance(error, ImageError):
        return error
    return ImageError("broken_image", f"the file cannot be decoded: {error or type(error).__name__}")


MNIST, PLAIN = "mnist", "none"
PREPARATIONS: dict[str, Callable[[bytes], NDArray[np.uint8]]] = {MNIST: treat, PLAIN: plain}
"""Ways to prepare a picture, by the names that data sets and uploads use."""
