"""Direction axes, which tangents have before the axes of their values."""

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from dualtrain.core.dual.structured import Structure

Tensor = Any


def broadcast_directions(tangents: list[Tensor | None], primals: Sequence[Tensor]) -> list[Tensor | None]:
    """Return the dense tangents with the same direction axes, by broadcasting; others pass."""
    shapes = {
        directions(t, x)
        for t, x in zip(tangents, primals, strict=True)
        if t is not None and not isinstance(t, Structure)
    }
    if len(shapes) < 2:
        return tangents
    common = np.broadcast_shapes(*shapes)
    return [
        t if t is None else broadcast_tangent(t, np.ndim(x), common) for t, x in zip(tangents, primals, strict=True)
    ]


def directions(tangent: Tensor, primal: Tensor) -> tuple[int, ...]:
    """Return the direction axes of a dense tangent."""
    return tangent.shape[: tangent.ndim - primal.ndim]  # type: ignore[no-any-return]


def broadcast_tangent(tangent: Tensor, ndim: int, to: tuple[int, ...]) -> Tensor:
    """Return the tangent of an `ndim`-dimensional value broadcast to other direction axes."""
    shape = tangent.shape[tangent.ndim - ndim :]
    return np.broadcast_to(tangent, to + shape)


def insert_axes(tangent: Tensor, ndim: int, to: int) -> Tensor:
    """Return the tangent with axes of length 1 after its directions, as broadcasting puts them before a value's axes.

    Without them `(3,)·(2,3)` with two directions gives a plausible wrong shape instead of an error.
    """
    count = tangent.ndim - ndim
    if ndim == to or count == 0:  # broadcasting puts the same axes before those of one direction
        return tangent
    shape = tangent.shape
    return np.reshape(tangent, shape[:count] + (1,) * (to - ndim) + shape[count:])


def map_directions(function: Callable[[Tensor], Tensor], tangent: Tensor, ndim: int) -> Tensor:
    """Return a function that is linear in one tangent, applied to every direction on its own."""
    count = tangent.ndim - ndim
    if count == 0:
        return function(tangent)
    front, shape = tangent.shape[:count], tangent.shape[count:]
    flat = merge_axes(tangent, 0, count)
    rows = [function(flat[k]) for k in range(len(flat))]
    result = np.stack(rows or [function(np.zeros(shape, tangent.dtype))])  # which tells the shape where there are none
    return np.reshape(result[: len(rows)], front + result.shape[1:])


def merge_axes(x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
    """Merge the axes of x from start to stop into one; unlike a length of -1, also where there are no elements."""
    shape = np.shape(x)
    start, stop, _ = slice(start, stop).indices(len(shape))
    return np.reshape(x, (*shape[:start], prod(shape[start:stop]), *shape[stop:]))
