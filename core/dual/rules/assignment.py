"""Assignment into duals, and the functions that make arrays to assign into.

`np.zeros_like(dual)` is a dual that has no tangent yet and gets one with the first dual assigned into it. An assigned
constant makes the tangent zero there. Values and tangents of basic slices are views, as NumPy's are.
"""

from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    broadcast_tangent,
    directions,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    writeable,
)
from dualtrain.core.dual.rules.combinators import Handler, as_array, as_dtype
from dualtrain.core.dual.rules.indexing import moved_to_front
from dualtrain.core.dual.structured import Structure, Zero, to_dense
from dualtrain.core.dual.views import retake, root_of


def setitem(x: Dual, index: Any, value: Tensor, casting: Any = "same_kind") -> None:
    """Assign `x[index] = value`; x and its views rise to the level of a value that has a higher one.

    TypeError where `np.can_cast` says that x cannot hold such values: imaginary parts would be dropped.
    """
    given = as_array(value).dtype
    if not np.can_cast(given, x.dtype, casting):
        raise TypeError(f"casting={casting!r} makes no {x.dtype} of {given}: convert it first, or take np.copyto")
    _prepare(x, value)
    root = root_of(x)
    root.changes = getattr(root, "changes", 0) + 1
    root.origin = x.origin = None
    same = isinstance(value, Dual) and value.level == x.level
    x.primal[index] = value.primal if same else value  # first: where it fails nothing has changed
    if not isinstance(x.stored_tangent, Zero):
        count = x.stored_tangent.ndim - x.primal.ndim
        part = _part_for(value, index, np.ndim(x.primal[index]), count) if same else 0
        x.stored_tangent[_shifted(index, count)] = part


def _part_for(value: Dual, index: Any, ndim: int, count: int) -> Tensor:
    """Return the tangent of the value in the shape of that of an index with `ndim` axes, behind `count` directions."""
    part = _dense(value)
    size = np.ndim(value.primal)
    front = part.shape[: part.ndim - size]
    while size > ndim:  # leading axes of length 1, as NumPy drops them
        part, size = np.reshape(part, front + part.shape[len(front) + 1 :]), size - 1
    part = np.reshape(part, front + (1,) * (ndim - size) + part.shape[len(front) :])
    moved = moved_to_front(index if isinstance(index, tuple) else (index,)) if count else 0
    return np.moveaxis(part, range(len(front)), range(moved, moved + len(front))) if moved else part


def _dense(x: Dual, front: tuple[int, ...] = ()) -> Tensor:
    tangent = x.stored_tangent
    if isinstance(tangent, Zero):
        return np.zeros(front + x.primal.shape, x.primal.dtype)
    return to_dense(tangent, x.primal)


def _shifted(index: Any, count: int) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    return (slice(None),) * count + parts


def _prepare(x: Dual, value: Tensor) -> None:
    """Make x such that assigning the value changes elements only, and all that shares them with x as well."""
    if not _can_hold(x, value):
        root = root_of(x)
        _extend(root, value)
        retake(root)


def _can_hold(x: Dual, value: Tensor) -> bool:
    """Return whether x has the level, the directions and the arrays inside that the value asks of it."""
    if not isinstance(value, Dual) or value.level < x.level:
        free = isinstance(x.stored_tangent, Zero) or (
            not isinstance(x.stored_tangent, Structure) and writeable(x.stored_tangent)
        )
        return free and _inner_can_hold(x.primal, value)
    if value.level > x.level or isinstance(x.stored_tangent, Structure):
        return False
    front = directions(x.stored_tangent, x.primal)
    tangent = _dense(value)
    return (
        np.broadcast_shapes(front, directions(tangent, value.primal)) == front
        and writeable(x.stored_tangent)
        and _inner_can_hold(x.primal, value.primal)
        and _inner_can_hold(x.stored_tangent, tangent)
    )


def _inner_can_hold(array: Tensor, value: Tensor) -> bool:
    """Return whether an array inside a dual is itself a dual where the value that it is to hold is one."""
    return not isinstance(value, Dual) or (isinstance(array, Dual) and _can_hold(array, value))


def _extend(x: Dual, value: Tensor) -> None:
    """Give x, which is no view, what `holds` asks for."""
    if isinstance(value, Dual) and value.level > x.level:
        if not isinstance(x.stored_tangent, Zero):
            x.primal = x.like(x.primal, x.stored_tangent)
        x.stored_tangent = Zero()
        x.level = value.level
    if not isinstance(value, Dual) or value.level < x.level:
        x.primal, x.stored_tangent = (
            _inner_prepared(x.primal, value),
            x.stored_tangent if isinstance(x.stored_tangent, Zero) else _writable(_dense(x)),
        )
        return
    tangent = _dense(value)
    front = directions(tangent, value.primal)
    terms = _dense(x, front)
    front = np.broadcast_shapes(front, directions(terms, x.primal))
    if terms.shape != front + x.primal.shape:
        terms = broadcast_tangent(terms, x.primal.ndim, front)
    x.primal, x.stored_tangent = _inner_prepared(x.primal, value.primal), _inner_prepared(_writable(terms), tangent)


def _writable(tangent: Tensor) -> Tensor:
    return tangent if writeable(tangent) else np.copy(tangent)


def _inner_prepared(array: Tensor, value: Tensor) -> Tensor:
    """Return the array, as a dual if the value is one, with room for it."""
    if not isinstance(value, Dual):
        return array
    room = array if isinstance(array, Dual) else value.like(array, Zero())
    _prepare(room, value)
    return room


def _filled_like(function: Handler) -> Handler:
    """Return the rule of np.zeros_like and others: a dual without a tangent, or a plain array of integers."""

    def handle(x: Dual, *args: Any, **options: Any) -> Tensor:
        result = function(x.primal, *args, **options)
        return x.like(result, Zero()) if result.dtype.kind in "fc" else result

    return handle


def _full_like(x: Tensor, fill_value: Any, dtype: Any = None, *args: Any, **options: Any) -> Tensor:
    out: Tensor = np.empty_like(x, dtype, *args, **options)
    if isinstance(fill_value, Dual) and not isinstance(out, Dual):
        return as_dtype(np.broadcast_to(fill_value, out.shape).copy(), dtype)  # type: ignore[call-overload]
    np.copyto(out, fill_value, casting="unsafe")
    return out


def _copyto(dst: Tensor, src: Tensor, casting: Any = "same_kind", where: Any = True) -> None:
    check_target(dst, "copyto")
    setitem(dst, ..., src if where is True else np.where(where, src, dst), casting)


def check_target(x: Tensor, name: str) -> None:
    if not isinstance(x, Dual):
        raise TypeError(f"numpy.{name} of a dual needs a dual to write into: make it with np.zeros_like(dual)")


def _scatter(name: str, x: Tensor, values: Tensor, put: Handler) -> None:
    """Assign values into x where `put(into, values)` puts their numbers: what it repeats or leaves out is NumPy's."""
    check_target(x, name)
    values = as_array(values)
    numbers = np.full(x.shape, -1)
    put(numbers, np.arange(values.size).reshape(values.shape))
    places = numbers >= 0
    setitem(x, places, np.ravel(values)[numbers[places]])


def _put(a: Tensor, ind: Any, v: Tensor, mode: Any = "raise") -> None:
    _scatter("put", a, v, lambda into, numbers: np.put(into, ind, numbers, mode))


def _place(arr: Tensor, mask: Any, vals: Tensor) -> None:
    _scatter("place", arr, vals, lambda into, numbers: np.place(into, mask, numbers))


def _putmask(a: Tensor, mask: Any, values: Tensor) -> None:
    _scatter("putmask", a, values, lambda into, numbers: np.putmask(into, mask, numbers))


def _put_along_axis(arr: Tensor, indices: Any, values: Tensor, axis: int | None = -1) -> None:
    _scatter("put_along_axis", arr, values, lambda into, numbers: np.put_along_axis(into, indices, numbers, axis))


def _fill_diagonal(a: Tensor, val: Tensor, wrap: bool = False) -> None:
    _scatter("fill_diagonal", a, val, lambda into, numbers: np.fill_diagonal(into, numbers, wrap))


RULES: dict[Any, Handler] = {
    np.zeros_like: _filled_like(np.zeros_like),
    np.ones_like: _filled_like(np.ones_like),
    np.empty_like: _filled_like(np.empty_like),
    np.full_like: _full_like,
    np.copyto: _copyto,
    np.put: _put,
    np.place: _place,
    np.putmask: _putmask,
    np.put_along_axis: _put_along_axis,
    np.fill_diagonal: _fill_diagonal,
}
