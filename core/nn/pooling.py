"""Pooling: the largest or the mean value of every window, channel by channel."""

from collections.abc import Callable
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from pydantic.dataclasses import dataclass

from dualtrain.core.dual.engine import push
from dualtrain.core.dual.structured import SiteTangent, Structure, to_dense
from dualtrain.core.nn.base import Layer, Shape
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Tensor
from dualtrain.core.nn.window_tangent import WindowTangent
from dualtrain.core.nn.windows import Windows

Side = Annotated[int, Ge(1), Le(64)]


class _Pooling(Layer):
    size: int
    stride: int | None

    def windows(self, shape: Shape) -> Windows:
        """Return the windows over images of a shape; what is left at the edges is dropped. Raises LayerFault."""
        return Windows.of(self.size, self.stride or self.size, "valid", shape, "size")

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.windows(shape).sides, shape[2])


@dataclass(frozen=True, config=CONFIG, kw_only=True)
class MaxPool2D(_Pooling):
    """The largest value of every window; of equal ones the first has the derivative."""

    type: Literal["max-pool2d"] = "max-pool2d"
    size: Side = 2
    stride: Side | None = None

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        windows = self.windows(inputs.shape[1:])
        return push(_largest(windows), _largest_rule(windows), (inputs,), structured=True)


@dataclass(frozen=True, config=CONFIG, kw_only=True)
class AvgPool2D(_Pooling):
    """The mean of every window."""

    type: Literal["avg-pool2d"] = "avg-pool2d"
    size: Side = 2
    stride: Side | None = None

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        windows = self.windows(inputs.shape[1:])
        return push(_mean(windows), _mean_rule(windows), (inputs,), structured=True)


def _largest(windows: Windows) -> Callable[[Tensor], Tensor]:
    def pool(images: Tensor) -> Tensor:
        first, *others = windows.slices(images)
        for other in others:
            first = np.maximum(first, other)
        return first

    return pool


def _largest_rule(windows: Windows) -> Callable[..., Tensor]:
    def rule(tangents: list[Tensor], out: Tensor, images: Tensor) -> Tensor | Structure:
        values = images
        while not isinstance(values, np.ndarray):
            values = values.primal  # which pixel is the largest has no derivative
        chosen = _chosen(windows, values)
        tangent = tangents[0]
        if isinstance(tangent, SiteTangent | WindowTangent) and windows.is_partition:
            return _passed_on(tangent, _is_chosen(chosen, values), windows)
        dense = to_dense(tangent, images)
        front = dense.shape[: dense.ndim - 4]
        flat = np.reshape(dense, (*front, images.size))
        return np.reshape(flat[..., chosen.ravel()], (*front, *out.shape))

    return rule


def _chosen(windows: Windows, images: Array) -> Any:
    """Return for every window the flat place of the pixel that is the largest."""
    numbers: Any = np.arange(images.size).reshape(images.shape)
    places = windows.slices(numbers)
    values = windows.slices(images)
    best, chosen = values[0], places[0]
    for value, place in zip(values[1:], places[1:], strict=True):
        chosen = np.where(value > best, place, chosen)
        best = np.maximum(best, value)
    return chosen


def _is_chosen(chosen: Any, images: Array) -> Array:
    """Return 1 for pixels that are the largest of their window, 0 for others: `(N, D)`."""
    shares = np.zeros(images.size, images.dtype)
    shares[chosen.ravel()] = 1
    return shares.reshape(len(images), -1)


def _mean(windows: Windows) -> Callable[[Tensor], Tensor]:
    def pool(images: Tensor) -> Tensor:
        slices = windows.slices(images)
        return sum(slices[1:], start=slices[0]) / windows.size**2

    return pool


def _mean_rule(windows: Windows) -> Callable[..., Tensor]:
    def rule(tangents: list[Tensor], out: Tensor, images: Tensor) -> Tensor | Structure:
        tangent = tangents[0]
        if isinstance(tangent, SiteTangent | WindowTangent) and windows.is_partition:
            shares = np.full((len(images), images[0].size), windows.size**-2, images.dtype)
            return _passed_on(tangent, shares, windows)
        dense = to_dense(tangent, images)
        front = dense.shape[: dense.ndim - 4]
        merged = np.reshape(dense, (-1, *windows.shape))
        return np.reshape(_mean(windows)(merged), (*front, *out.shape))

    return rule


def _passed_on(tangent: SiteTangent | WindowTangent, shares: Array, windows: Windows) -> Structure:
    """Return the tangent behind windows that share no pixel: each pixel passes on to one window, or to none."""
    places = windows.places()
    shares = shares * (places >= 0)
    if isinstance(tangent, WindowTangent):
        return tangent.passed_on(shares, places)
    units = places[tangent.units]
    return SiteTangent(np.where(units < 0, 0, units), tangent.scaled(shares).values)
