"""Assignment into duals, and the functions that make arrays to assign into.

`np.zeros_like(dual)` is a dual that has no tangent yet and gets one with the first dual assigned into it. An assigned
constant makes the tangent zero there. Values and tangents of basic slices are views, as NumPy's are.
"""

from typing import Any

import numpy as np

from core.dual.engine import Dual, Tensor
from core.dual.rules.indexing import moved_to_front
from core.dual.rules.kinds import Handler
from core.dual.structure import Structure, Zero


def setitem(x: Dual, index: Any, value: Tensor) -> None:
    """`x[index] = value`; x rises to the level of a value that has a higher one."""
    if isinstance(value, Dual) and value.level > x.level:
        x.real, x.tangent, x.level = x.like(x.real, x.tangent), Zero(), value.level
    same = isinstance(value, Dual) and value.level == x.level
    real = value.real if same else value
    place = np.ndim(x.real[index]) if same else 0
    x.tangent = with_part(x, index, value, place) if same else without_part(x, index)
    x.real = assigned(x.real, index, real)


def without_part(x: Dual, index: Any) -> Tensor:
    """The tangent of x with zeros at the index."""
    if isinstance(x.tangent, Zero):
        return x.tangent
    tangent = dense(x)
    count = tangent.ndim - x.real.ndim
    return assigned(tangent, shifted(index, count), 0)


def with_part(x: Dual, index: Any, value: Dual, ndim: int) -> Tensor:
    """The tangent of x with that of the value at the index, which has `ndim` axes."""
    part = dense(value)
    size = np.ndim(value.real)
    front = part.shape[: part.ndim - size]
    tangent = dense(x, front)
    if len(front) > tangent.ndim - x.real.ndim:
        tangent = np.array(np.broadcast_to(tangent, front + x.real.shape))
    count = tangent.ndim - x.real.ndim
    while size > ndim:  # leading axes of length 1, as NumPy drops them
        part, size = np.reshape(part, front + part.shape[len(front) + 1 :]), size - 1
    part = np.reshape(part, front + (1,) * (ndim - size) + part.shape[len(front) :])
    parts = index if isinstance(index, tuple) else (index,)
    moved = moved_to_front(parts) if count else 0
    if moved:
        part = np.moveaxis(part, range(len(front)), range(moved, moved + len(front)))
    return assigned(tangent, shifted(index, count), part)


def dense(x: Dual, front: tuple[int, ...] = ()) -> Tensor:
    tangent = x.tangent
    if isinstance(tangent, Zero):
        return np.zeros(front + x.real.shape, x.real.dtype)
    return tangent.dense(x.real.shape, x.real.dtype) if isinstance(tangent, Structure) else tangent


def shifted(index: Any, count: int) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    return (slice(None),) * count + parts


def assigned(target: Tensor, index: Any, value: Tensor) -> Tensor:
    """The target after the assignment: the same array, or a dual around it if the value is one of a lower level."""
    if isinstance(value, Dual) and not isinstance(target, Dual):
        target = value.like(target, Zero())
    if isinstance(target, Dual):
        setitem(target, index, value)
    else:
        target[index] = value
    return target


def blank(function: Handler) -> Handler:
    """np.zeros_like and the like: values of the function, no tangent."""

    def handle(x: Dual, *args: Any, **options: Any) -> Tensor:
        return x.like(function(x.real, *args, **options), Zero())

    return handle


def full_like(x: Tensor, fill_value: Any, dtype: Any = None, *args: Any, **options: Any) -> Tensor:
    if not isinstance(x, Dual):
        x_like = np.empty_like(x, dtype, *args, **options)
        return np.broadcast_to(fill_value, x_like.shape).copy()
    out: Tensor = np.empty_like(x, dtype, *args, **options)
    setitem(out, ..., fill_value)
    return out


def copyto(dst: Tensor, src: Tensor, casting: str = "same_kind", where: Any = True) -> None:
    source = src if where is True else np.where(where, src, dst)
    if not isinstance(dst, Dual):
        raise TypeError("numpy.copyto of a dual needs a dual to copy into: make it with np.zeros_like(dual)")
    setitem(dst, ..., source)


def put(x: Tensor, indices: Any, values: Tensor, mode: str = "raise") -> None:
    setitem(x, np.unravel_index(np.asarray(indices) % x.real.size, x.real.shape), values)


def place(x: Tensor, mask: Any, values: Tensor) -> None:
    setitem(x, np.asarray(mask, bool), np.resize(values, np.count_nonzero(mask)))


def putmask(x: Tensor, mask: Any, values: Tensor) -> None:
    setitem(x, ..., np.where(mask, np.resize(values, x.real.shape) if np.ndim(values) else values, x))


def put_along_axis(x: Tensor, indices: Any, values: Tensor, axis: int) -> None:
    grid = list(np.ogrid[tuple(slice(n) for n in np.shape(indices))])
    grid[axis] = indices
    setitem(x, tuple(grid), np.broadcast_to(values, np.shape(indices)))


def fill_diagonal(x: Tensor, value: Tensor, wrap: bool = False) -> None:
    size = min(x.real.shape)
    setitem(x, (np.arange(size),) * x.real.ndim, value)


RULES: dict[Any, Handler] = {
    np.zeros_like: blank(np.zeros_like),
    np.ones_like: blank(np.ones_like),
    np.empty_like: blank(np.empty_like),
    np.full_like: full_like,
    np.copyto: copyto,
    np.put: put,
    np.place: place,
    np.putmask: putmask,
    np.put_along_axis: put_along_axis,
    np.fill_diagonal: fill_diagonal,
}
