"""Images in MNIST's own form, brought to the size of a job: one way for training and prediction."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 28
"""Every image is 28x28 first, MNIST's own form, so that a picture sent for prediction goes the way of the data."""
AT_ONCE = 4096
"""Images in one call of Pillow; more would leave the processor's cache."""


def resize(images: NDArray[np.uint8], image_size: int) -> NDArray[np.uint8]:
    """Return images (n, 28, 28) as (n, image_size²), resized by Pillow's bilinear filter, which antialiases.

    The filter is separable and Pillow rounds between its two passes, so stacking all images into one tall picture and
    resizing rows, then columns, gives the bits of n single calls in a small part of the time.
    """
    if image_size == SIDE:
        return images.reshape(len(images), SIDE * SIDE)
    resized = np.empty((len(images), image_size * image_size), np.uint8)
    for start in range(0, len(images), AT_ONCE):
        part = slice(start, start + AT_ONCE)
        rows = _resize_rows(images[part], image_size)
        columns = _resize_rows(rows.transpose(0, 2, 1), image_size)
        resized[part] = columns.transpose(0, 2, 1).reshape(-1, image_size * image_size)
    return resized


def _resize_rows(images: NDArray[Any], length: int) -> NDArray[np.uint8]:
    """Return images (n, h, w) as (n, h, length)."""
    count, height, width = images.shape
    stack = Image.fromarray(np.ascontiguousarray(images).reshape(count * height, width))
    resized = stack.resize((length, count * height), Image.Resampling.BILINEAR)
    return np.asarray(resized).reshape(count, height, length)
