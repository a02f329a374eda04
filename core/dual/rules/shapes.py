"""Rules of functions that move, cut, join and repeat elements."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from core.dual.engine import Tensor, push
from core.dual.rules.kinds import Handler, axiswise, from_end, gathering, linear, reshaping
from core.dual.structure import EntrySeed, UnitTangent


def reshape(x: Tensor, shape: Any, order: str = "C", *, copy: bool | None = None) -> Tensor:
    """A one-hot tangent of a vector becomes one of a matrix; any other is reshaped after its direction axes."""
    if order != "C":
        return linear(np.reshape)(x, shape, order=order, copy=copy)

    def rule(tangents: list[Tensor], out: Tensor, real: Tensor) -> Tensor:
        tangent = tangents[0]
        if isinstance(tangent, UnitTangent) and real.ndim == 1 and out.ndim == 2 and np.all(tangent.values == 1):
            return EntrySeed(*np.divmod(tangent.units, out.shape[1]))
        if not isinstance(tangent, np.ndarray) and hasattr(tangent, "dense"):
            tangent = tangent.dense(real.shape, real.dtype)
        return np.reshape(tangent, tangent.shape[: tangent.ndim - real.ndim] + out.shape)

    return push(lambda array: np.reshape(array, shape, copy=copy), rule, (x,), structured=True)


def ravel(x: Tensor, order: str = "C") -> Tensor:
    return reshape(x, -1, order)


def transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    order = tuple(from_end(tuple(axes), x.ndim)) if axes is not None else tuple(range(-1, -x.ndim - 1, -1))

    def rule(tangents: list[Tensor], out: Tensor, real: Tensor) -> Tensor:
        tangent = tangents[0]
        return np.transpose(tangent, (*range(tangent.ndim - real.ndim), *order))

    return push(lambda array: np.transpose(array, order), rule, (x,))


def swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    first, second = from_end((axis1, axis2), x.ndim)
    return push(lambda a: np.swapaxes(a, first, second), lambda t, *_: np.swapaxes(t[0], first, second), (x,))


def moveaxis(x: Tensor, source: Any, destination: Any) -> Tensor:
    start, end = from_end(source, x.ndim), from_end(destination, x.ndim)
    return push(lambda a: np.moveaxis(a, start, end), lambda t, *_: np.moveaxis(t[0], start, end), (x,))


def broadcast_to(x: Tensor, shape: Any, subok: bool = False) -> Tensor:
    def rule(tangents: list[Tensor], out: Tensor, real: Tensor) -> Tensor:
        tangent = tangents[0]
        count = tangent.ndim - np.ndim(real)
        spaced = np.reshape(tangent, tangent.shape[:count] + (1,) * (out.ndim - np.ndim(real)) + tangent.shape[count:])
        return np.broadcast_to(spaced, tangent.shape[:count] + out.shape)

    return push(lambda array: np.broadcast_to(array, shape), rule, (x,))


def concatenate(
    arrays: Sequence[Tensor], axis: int | None = 0, *, dtype: Any = None, casting: str = "same_kind"
) -> Tensor:
    if axis is None:
        arrays, axis = [np.ravel(array) for array in arrays], 0
    place = from_end(axis, np.ndim(arrays[0]))

    def rule(tangents: list[Tensor], out: Tensor, *reals: Tensor) -> Tensor:
        known = next((t, x) for t, x in zip(tangents, reals, strict=True) if t is not None)
        front = known[0].shape[: known[0].ndim - np.ndim(known[1])]
        parts = [
            np.zeros(front + np.shape(x), out.dtype) if t is None else t for t, x in zip(tangents, reals, strict=True)
        ]
        return np.concatenate(parts, axis=place)

    joined = push(lambda *parts: np.concatenate(parts, axis=place), rule, tuple(arrays))
    return joined if dtype is None else joined.astype(dtype)


def stack(arrays: Sequence[Tensor], axis: int = 0, *, dtype: Any = None, casting: str = "same_kind") -> Tensor:
    parts = [np.expand_dims(array, axis) for array in arrays]
    return np.concatenate(parts, axis=axis, dtype=dtype)


RULES: dict[Any, Handler] = {
    np.reshape: reshape,
    np.ravel: ravel,
    np.squeeze: reshaping(np.squeeze),
    np.expand_dims: reshaping(np.expand_dims),
    np.atleast_1d: reshaping(np.atleast_1d),
    np.atleast_2d: reshaping(np.atleast_2d),
    np.atleast_3d: reshaping(np.atleast_3d),
    np.transpose: transpose,
    np.swapaxes: swapaxes,
    np.moveaxis: moveaxis,
    np.broadcast_to: broadcast_to,
    np.concatenate: concatenate,
    np.stack: stack,
    np.flip: axiswise(np.flip, 0, None),
    np.roll: axiswise(np.roll, 1, None),
    np.tile: gathering(np.tile),
}
