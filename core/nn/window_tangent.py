"""The tangent of single pixels behind a convolution, kept as the windows that see them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from dualtrain.core.dual.structured import CubeTangent, Factored
from dualtrain.core.nn.tensor import Array
from dualtrain.core.nn.windows import Windows


@dataclass(frozen=True, eq=False)
class WindowTangent(Factored):
    """Direction k is `values[k]`, `(K, N)`, at element `units[k]` of each flattened image before a convolution.

    `kernel` `(size, size, channels, filters)` and `windows` are the convolution's; `slopes` `(N, D)`, None for ones,
    are those of functions of each element behind it, and `places` `(D,)`, None for all in order, says to which element
    of a flattened sample each output has been passed on by pooling.
    """

    values: Array
    units: Any
    kernel: Array
    windows: Windows
    slopes: Array | None = None
    places: Any = None

    def scaled(self, by: Array) -> "WindowTangent":
        flat = by.reshape(len(by), -1)
        if self.places is not None:
            flat = flat.take(self.places, axis=1)  # of elements that went nowhere the slopes are 0 already
        return replace(self, slopes=flat if self.slopes is None else self.slopes * flat)

    def passed_on(self, shares: Array, places: Any) -> "WindowTangent":
        """Return the tangent behind a pooling that takes `shares` `(N, D)` of its inputs to `places` `(D,)`."""
        chained = places if self.places is None else np.where(self.places < 0, -1, places[self.places])
        return replace(self.scaled(shares), places=chained)

    def dense(self, shape: tuple[int, ...], dtype: Any) -> Array:
        rows = self._rows()
        tangents = self.values[:, :, None] * rows[:, None, :]
        if self.slopes is not None:
            tangents *= self.slopes
        if self.places is None:
            return tangents.reshape(len(self.values), *shape)
        dense = np.zeros((len(self.values), shape[0], int(np.prod(shape[1:]))), dtype)
        for source in np.flatnonzero(self.places >= 0):
            dense[:, :, self.places[source]] += tangents[:, :, source]
        return dense.reshape(len(self.values), *shape)

    def factor(self, weights: Array) -> Array:
        tangent = self.after(weights.reshape(len(weights), -1, 1))
        factors: Array = tangent.cube[tangent.which][:, 0]
        return factors

    def after(self, weights: Array) -> CubeTangent:
        channels, height, width = self.kernel.shape[2], *self.windows.shape[:2]
        responses = self._responses(weights)  # (channels, height, width, H, N)
        cube = responses.reshape(channels * height * width, *responses.shape[3:])
        pixel, channel = np.divmod(self.units, channels)
        return CubeTangent(self.values, cube, channel * height * width + pixel)

    def _rows(self) -> Array:
        """Return what the convolution makes of one image for each direction, `(K, D)`."""
        pixels = np.zeros((len(self.units), int(np.prod(self.windows.shape))), self.kernel.dtype)
        pixels[np.arange(len(self.units)), self.units] = 1
        patches = self.windows.patches(pixels.reshape(-1, *self.windows.shape))
        return (patches.reshape(-1, self.kernel[..., 0].size) @ self.kernel.reshape(-1, self.kernel.shape[-1])).reshape(
            len(self.units), -1
        )

    def _responses(self, weights: Array) -> Array:
        """Return what a 1 at each pixel and channel adds to each column of `x @ weights`.

        `diag(slopes) @ weights` is built once, then one product by the kernel serves all windows and pixels: every
        window's part is added where its pixels are. Samples are the last axis, so that all is read in order.
        """
        size, _, channels, filters = self.kernel.shape
        behind = self._behind(weights)  # (filters, rows * columns, H, N)
        columns = behind.shape[2:]
        taps = self.kernel.reshape(-1, filters) @ behind.reshape(filters, -1)
        taps = taps.reshape(size * size, channels, *self.windows.sides, *columns)
        padded = np.zeros((channels, *self.windows.padded, *columns), taps.dtype)
        for tap, target in zip(taps, self.windows.slices(padded), strict=True):
            target += tap
        top, left = self.windows.before
        height, breadth = self.windows.shape[:2]
        return padded[:, top : top + height, left : left + breadth]

    def _behind(self, weights: Array) -> Array:
        """Return what a 1 at each output adds to `x @ weights`: `(filters, rows * columns, H, N)`."""
        filters = self.kernel.shape[-1]
        if self.places is not None:
            weights = weights.take(self.places, axis=-2)  # (..., D, H); with slopes of 0 where the place is -1
        samples = self.values.shape[1]
        columns = np.broadcast_to(weights, (samples, *weights.shape[-2:])) if self.slopes is None else weights
        by_filter = np.moveaxis(columns.reshape(*columns.shape[:-2], -1, filters, columns.shape[-1]), -2, 0)
        by_filter = np.moveaxis(by_filter, 1, -1) if by_filter.ndim == 4 else by_filter[..., None]
        if self.slopes is None:
            return np.ascontiguousarray(by_filter)
        slopes = np.ascontiguousarray(self.slopes.reshape(samples, -1, filters).transpose(2, 1, 0))
        scaled: Array = by_filter * slopes[:, :, None, :]
        return scaled
