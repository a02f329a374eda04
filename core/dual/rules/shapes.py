"""Rules of functions that move, repeat and pick elements by their place."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    insert_axes,
)
from dualtrain.core.dual.engine import (
    Tensor,
    push,
)
from dualtrain.core.dual.rules.combinators import Handler, axiswise, gathering, linear, negative_axes, reshaping
from dualtrain.core.dual.rules.orders import copy, ravel, reshape


def _each_of(function: Handler) -> Handler:
    """Return a function that keeps all elements in their C order, of one array or of each of several."""
    reshaped = reshaping(function)

    def handle(*arrays: Tensor) -> Any:
        return reshaped(arrays[0]) if len(arrays) == 1 else tuple(reshaped(array) for array in arrays)

    return handle


def _transpose(x: Tensor, axes: Sequence[int] | None = None) -> Tensor:
    order = tuple(negative_axes(tuple(axes), x.ndim)) if axes is not None else tuple(range(-1, -x.ndim - 1, -1))

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        tangent = tangents[0]
        return np.transpose(tangent, (*range(tangent.ndim - primal.ndim), *order))

    return push(lambda array: np.transpose(array, order), rule, (x,))


def _swapaxes(x: Tensor, axis1: int, axis2: int) -> Tensor:
    first, second = negative_axes((axis1, axis2), x.ndim)
    return push(lambda a: np.swapaxes(a, first, second), lambda t, *_: np.swapaxes(t[0], first, second), (x,))


def _moveaxis(x: Tensor, source: Any, destination: Any) -> Tensor:
    start, end = negative_axes(source, x.ndim), negative_axes(destination, x.ndim)
    return push(lambda a: np.moveaxis(a, start, end), lambda t, *_: np.moveaxis(t[0], start, end), (x,))


def _rollaxis(x: Tensor, axis: int, start: int = 0) -> Tensor:
    """Roll an axis to just before `start`, an index from 0 to the number of axes."""
    place = negative_axes(axis, x.ndim) + x.ndim
    end = np.lib.array_utils.normalize_axis_index(start + x.ndim if start < 0 else start, x.ndim + 1)
    return _moveaxis(x, place, end - (place < end))


def _rot90(x: Tensor, k: int = 1, axes: Any = (0, 1)) -> Tensor:
    np.rot90(x.primal, k, axes)  # whose errors are NumPy's
    first, second = axes
    if k % 2 == 0:
        return np.flip(x, axes) if k % 4 else x[...]
    turned = np.swapaxes(x, first, second)
    return np.flip(turned, first if k % 4 == 1 else second)


def _broadcast_to(x: Tensor, shape: Any, subok: bool = False) -> Tensor:
    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        return broadcast_behind(tangents[0], np.ndim(primal), out.shape)

    return push(lambda array: np.broadcast_to(array, shape), rule, (x,))


def broadcast_behind(tangent: Tensor, ndim: int, shape: tuple[int, ...]) -> Tensor:
    """Return the tangent of an `ndim`-dimensional value that is broadcast to a shape."""
    front = tangent.shape[: tangent.ndim - ndim]
    return np.broadcast_to(insert_axes(tangent, ndim, len(shape)), front + shape)


def _roll(x: Tensor, shift: Any, axis: Any = None) -> Tensor:
    if axis is None:
        return np.reshape(_roll(np.ravel(x), shift, -1), x.shape)
    return axiswise(np.roll, 1, None)(x, shift, axis)


def _diagonal(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Tensor:
    first, second = negative_axes((axis1, axis2), x.ndim)
    return push(
        lambda a: np.diagonal(a, offset, first, second), lambda t, *_: np.diagonal(t[0], offset, first, second), (x,)
    )


def _linalg_diagonal(x: Tensor, /, *, offset: int = 0) -> Tensor:
    return _diagonal(x, offset, -2, -1)


def _trace(x: Tensor, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None) -> Tensor:
    return np.sum(_diagonal(x, offset, axis1, axis2), axis=-1, dtype=dtype)


def _linalg_trace(x: Tensor, /, *, offset: int = 0, dtype: Any = None) -> Tensor:
    return _trace(x, offset, -2, -1, dtype)


def _triangle(function: Handler) -> Handler:
    """Return the rule of np.tril or np.triu, which act on the last two axes."""

    def handle(x: Tensor, k: int = 0) -> Tensor:
        mask = function(np.ones(np.shape(x)[-2:], bool), k)
        return np.where(mask, x, 0)

    return handle


def _diag(x: Tensor, k: int = 0) -> Tensor:
    if np.ndim(x) not in (1, 2):
        raise ValueError(f"diag takes a vector or a matrix, not {np.ndim(x)} dimensions")
    return _diagonal(x, k) if np.ndim(x) == 2 else _diagflat(x, k)


def _diagflat(x: Tensor, k: int = 0) -> Tensor:
    size = x.size + abs(k)
    places = np.flatnonzero(np.eye(size, k=k))
    return linear(lambda values: _placed(values, places, (size, size)))(np.ravel(x))


def _placed(values: Tensor, places: Any, shape: tuple[int, ...]) -> Tensor:
    """Return zeros of a shape with the values at flat places."""
    out = np.zeros_like(values, shape=shape)
    out[np.unravel_index(places, shape)] = values
    return out


def _resize(x: Tensor, new_shape: Any) -> Tensor:
    if np.size(x) == 0:
        return np.zeros_like(x, shape=new_shape)
    return gathering(np.resize)(x, new_shape)


def _sliding_window_view(
    x: Tensor, window_shape: Any, axis: Any = None, *, subok: bool = False, writeable: bool = False
) -> Tensor:
    axes = negative_axes(axis, np.ndim(x))

    def apply(array: Tensor) -> Tensor:
        return np.lib.stride_tricks.sliding_window_view(array, window_shape, axes, writeable=writeable)

    return push(apply, lambda tangents, *_: apply(tangents[0]), (x,))


RULES: dict[Any, Handler] = {
    np.reshape: reshape,
    np.ravel: ravel,
    np.squeeze: reshaping(np.squeeze),
    np.expand_dims: reshaping(np.expand_dims),
    np.atleast_1d: _each_of(np.atleast_1d),
    np.atleast_2d: _each_of(np.atleast_2d),
    np.atleast_3d: _each_of(np.atleast_3d),
    np.transpose: _transpose,
    np.swapaxes: _swapaxes,
    np.moveaxis: _moveaxis,
    np.broadcast_to: _broadcast_to,
    np.flip: axiswise(np.flip, 0, None),
    np.roll: _roll,
    np.copy: copy,
    np.astype: lambda x, dtype, /, *, copy=True, device=None: x.astype(dtype, copy=copy),
    np.fliplr: lambda x: np.flip(x, 1),
    np.flipud: lambda x: np.flip(x, 0),
    np.rot90: _rot90,
    np.rollaxis: _rollaxis,
    np.tile: gathering(np.tile),
    np.resize: _resize,
    np.repeat: gathering(np.repeat),
    np.diagonal: _diagonal,
    np.trace: _trace,
    np.diag: _diag,
    np.diagflat: _diagflat,
    np.tril: _triangle(np.tril),
    np.triu: _triangle(np.triu),
    np.matrix_transpose: lambda x: _swapaxes(x, -1, -2),
    np.linalg.matrix_transpose: lambda x: _swapaxes(x, -1, -2),
    np.linalg.diagonal: _linalg_diagonal,
    np.linalg.trace: _linalg_trace,
    np.lib.stride_tricks.sliding_window_view: _sliding_window_view,
}
