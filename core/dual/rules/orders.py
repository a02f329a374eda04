"""Rules of functions that read all elements in an order: C, Fortran, or as they lie in memory."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, changeable, plain, push
from dualtrain.core.dual.structured import EntrySeed, UnitTangent


def reshape(x: Tensor, shape: Any, order: Any = "C", *, copy: bool | None = None) -> Tensor:
    """Return a one-hot tangent of a vector becomes one of a matrix; any other is reshaped after its direction axes."""
    order = _order_of(x, order)

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        tangent = tangents[0]
        if isinstance(tangent, UnitTangent):
            if primal.ndim == 1 and out.ndim == 2 and order == "C" and np.all(tangent.values == 1):
                return EntrySeed(*np.divmod(tangent.units, out.shape[1]))
            tangent = tangent.dense(primal.shape, primal.dtype)
        return _reshaped(tangent, np.ndim(primal), out.shape, order)

    seed = isinstance(x, Dual) and isinstance(x.stored_tangent, UnitTangent) and not changeable(x)
    return push(lambda array: np.reshape(array, shape, order=order, copy=copy), rule, (x,), structured=seed)


def _order_of(x: Tensor, order: Any) -> Any:
    """Return the order in which NumPy reads the elements of a value: "A" depends on its memory."""
    if order == "A":
        return "F" if plain(x).flags.fnc else "C"
    return order


def _reshaped(tangent: Tensor, ndim: int, shape: tuple[int, ...], order: str) -> Tensor:
    """Return the tangent of an `ndim`-dimensional value that is read in "C" or "F" order and gets a shape."""
    front = tangent.shape[: tangent.ndim - ndim]
    if order == "C":
        return np.reshape(tangent, front + shape)
    return _backwards(np.reshape(_backwards(tangent, len(front)), front + shape[::-1]), len(front))


def _backwards(tangent: Tensor, count: int) -> Tensor:
    """Return a tangent with the axes behind its direction axes in reverse order."""
    return np.transpose(tangent, (*range(count), *range(np.ndim(tangent) - 1, count - 1, -1)))


def ravel(x: Tensor, order: Any = "C") -> Tensor:
    order = _order_of(x, order)
    if order == "K":
        return _ravel_as_in_memory(x)

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        return _reshaped(tangents[0], np.ndim(primal), out.shape, order)

    return push(lambda array: np.ravel(array, order), rule, (x,))


def _ravel_as_in_memory(x: Tensor) -> Tensor:
    axes = _axes_as_in_memory(plain(x))

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        tangent = tangents[0]
        front = tangent.ndim - np.ndim(primal)
        sorted_axes = np.transpose(tangent, (*range(front), *(front + axis for axis in axes)))
        return np.reshape(sorted_axes, tangent.shape[:front] + out.shape)

    return push(lambda array: np.ravel(array, "K"), rule, (x,))


def _axes_as_in_memory(value: Any) -> list[int]:
    """Return the axes of a value in the order in which NumPy's "K" reads them, the slowest first.

    It sorts them by their strides; an axis that is repeated, or of length 1, keeps its place among the others.
    """
    strides = [abs(stride) if length > 1 else 0 for stride, length in zip(value.strides, value.shape, strict=True)]
    axes: list[int] = []  # the fastest first
    for axis in reversed(range(value.ndim)):
        place = len(axes)
        for i in reversed(range(len(axes))):
            if strides[axis] and strides[axes[i]]:
                if strides[axes[i]] <= strides[axis]:
                    break
                place = i
        axes.insert(place, axis)
    return axes[::-1]


def copy(x: Tensor, order: Any = "K", subok: bool = False) -> Tensor:
    return push(lambda array: np.copy(array, order), lambda tangents, *_: np.copy(tangents[0]), (x,))
