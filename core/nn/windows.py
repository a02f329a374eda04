"""Windows that slide over `(N, height, width, channels)`: their geometry, and the patches that they see."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import numpy as np

from dualtrain.core.nn.base import LayerFault, Shape
from dualtrain.core.nn.tensor import Array

Padding = Literal["valid", "same"]


@dataclass(frozen=True)
class Windows:
    """Square windows `size` wide, `stride` apart, over images `shape` that are padded by zeros.

    `before` and `after` are the rows and columns added; "same" makes `ceil(side / stride)` windows a side, with the odd
    row or column after, as TensorFlow and JAX do.
    """

    size: int
    stride: int
    shape: Shape
    before: tuple[int, int]
    after: tuple[int, int]

    @classmethod
    def of(cls, size: int, stride: int, padding: Padding, shape: Shape, field: str) -> "Windows":
        """Return the windows over images of a shape. Raises LayerFault where there are none."""
        if len(shape) != 3:
            raise LayerFault("", f"the layer needs images (height, width, channels), not {_written(shape)}")
        sides = shape[:2]
        if padding == "valid":
            if size > min(sides):
                message = f"a window of {size} x {size} does not fit into images of {sides[0]} x {sides[1]}"
                raise LayerFault(field, message)
            return cls(size, stride, shape, (0, 0), (0, 0))
        missing = [max((-(-side // stride) - 1) * stride + size - side, 0) for side in sides]
        before = (missing[0] // 2, missing[1] // 2)
        return cls(size, stride, shape, before, (missing[0] - before[0], missing[1] - before[1]))

    @property
    def padded(self) -> tuple[int, int]:
        """Height and width with the padding."""
        height, width = (sum(parts) for parts in zip(self.before, self.shape, self.after, strict=False))
        return height, width

    @property
    def sides(self) -> tuple[int, int]:
        """Windows in a column, and in a row."""
        height, width = ((side - self.size) // self.stride + 1 for side in self.padded)
        return height, width

    @property
    def is_partition(self) -> bool:
        """Whether no two windows share a pixel."""
        return self.stride >= self.size

    def pad(self, images: Array) -> Array:
        """Return images `(N, *shape)` with zeros around them."""
        if self.before == self.after == (0, 0):
            return images
        edges = [(0, 0), *zip(self.before, self.after, strict=True), (0, 0)]
        return np.pad(images, edges)

    def patches(self, images: Array) -> Array:
        """Return the windows' pixels `(N, rows, columns, size, size, channels)`, as a view of the padded images."""
        views = np.lib.stride_tricks.sliding_window_view(self.pad(images), (self.size, self.size), axis=(1, 2))
        return views[:, :: self.stride, :: self.stride].transpose(0, 1, 2, 4, 5, 3)

    def slices(self, images: Array) -> list[Array]:
        """Return a view `(N, rows, columns, channels)` of padded images for every pixel of a window."""
        rows, columns = self.sides
        step = self.stride
        return [
            images[:, y : y + (rows - 1) * step + 1 : step, x : x + (columns - 1) * step + 1 : step]
            for y in range(self.size)
            for x in range(self.size)
        ]

    def places(self) -> Any:
        """Return for every pixel and channel, flat, the window that sees it, flat with its channel, and -1 for none.

        Only for windows that share no pixel and have no padding.
        """
        return _places(self)


@lru_cache(maxsize=64)
def _places(windows: Windows) -> Any:
    height, width, channels = windows.shape
    rows, columns = windows.sides
    size, stride = windows.size, windows.stride
    y, x, channel = np.indices((height, width, channels))
    row, column = y // stride, x // stride
    inside = (y % stride < size) & (x % stride < size) & (row < rows) & (column < columns)
    places = np.where(inside, (row * columns + column) * channels + channel, -1).ravel()
    places.setflags(write=False)  # shared by all who ask
    return places


def _written(shape: Shape) -> str:
    return f"{shape[0]} numbers" if len(shape) == 1 else str(shape)
