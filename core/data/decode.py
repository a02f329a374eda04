"""From the PNG bytes of a data set's column to arrays."""

import io
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from dualtrain.core.data.images import plain
from dualtrain.core.data.resizing import SIDE

Progress = Callable[[int, int], None]
"""Called at intervals with the number of decoded images and their total."""
TOLD_EVERY = 1000
FORMATS = ("PNG", "JPEG", "WEBP")


def decode(split: Any, progress: Callable[[int], None]) -> NDArray[np.uint8]:
    """Return a split's column `image` as (n, 28, 28), grey; `progress` is called with the number of decoded images.

    The bytes are taken from the Arrow table as they lie there: the feature's own decoding takes five times as long.
    """
    images = np.empty((len(split), SIDE, SIDE), np.uint8)
    for index, encoded in enumerate(_column(split)):
        images[index] = _pixels(encoded)
        if index % TOLD_EVERY == 0:
            progress(index)
    return images


def _column(split: Any) -> Iterator[bytes]:
    for chunk in split.data.column("image").chunks:
        yield from chunk.field("bytes").to_pylist()


def _pixels(encoded: bytes) -> NDArray[np.uint8]:
    """Return an image as `plain` prepares images for prediction; most sets need no preparation at all."""
    image: Image.Image = Image.open(io.BytesIO(encoded), formats=FORMATS)
    return np.asarray(image) if (image.mode, image.size) == ("L", (SIDE, SIDE)) else plain(encoded)
