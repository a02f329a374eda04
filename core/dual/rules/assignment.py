"""Assignment into duals, and the functions that make arrays to assign into.

`np.zeros_like(dual)` is a dual that has no tangent yet and gets one with the first dual assigned into it. An assigned
constant makes the tangent zero there. Values and tangents of basic slices are views, as NumPy's are.
"""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, directions, redirect, writeable
from dualtrain.core.dual.rules.combinators import Handler, as_array, typed
from dualtrain.core.dual.rules.indexing import moved_to_front
from dualtrain.core.dual.structured import Structure, Zero, densified
from dualtrain.core.dual.views import retake, root_of


def setitem(x: Dual, index: Any, value: Tensor, casting: Any = "same_kind") -> None:
    """`x[index] = value`; x, and whatever shares its elements, rises to the level of a value that has a higher one.

    TypeError where `np.can_cast` says that x cannot hold such values: imaginary parts would be dropped.
    """
    given = as_array(value).dtype
    if not np.can_cast(given, x.dtype, casting):
        raise TypeError(f"casting={casting!r} makes no {x.dtype} of {given}: convert it first, or take np.copyto")
    fit(x, value)
    same = isinstance(value, Dual) and value.level == x.level
    x.primal[index] = value.primal if same else value  # first: where it fails nothing has changed
    if not isinstance(x.stored_tangent, Zero):
        count = x.stored_tangent.ndim - x.primal.ndim
        part = part_for(value, index, np.ndim(x.primal[index]), count) if same else 0
        x.stored_tangent[shifted(index, count)] = part


def part_for(value: Dual, index: Any, ndim: int, count: int) -> Tensor:
    """The tangent of the value in the shape of that of an index with `ndim` axes, behind `count` directions."""
    part = dense(value)
    size = np.ndim(value.primal)
    front = part.shape[: part.ndim - size]
    while size > ndim:  # leading axes of length 1, as NumPy drops them
        part, size = np.reshape(part, front + part.shape[len(front) + 1 :]), size - 1
    part = np.reshape(part, front + (1,) * (ndim - size) + part.shape[len(front) :])
    moved = moved_to_front(index if isinstance(index, tuple) else (index,)) if count else 0
    return np.moveaxis(part, range(len(front)), range(moved, moved + len(front))) if moved else part


def dense(x: Dual, front: tuple[int, ...] = ()) -> Tensor:
    tangent = x.stored_tangent
    if isinstance(tangent, Zero):
        return np.zeros(front + x.primal.shape, x.primal.dtype)
    return densified(tangent, x.primal)


def shifted(index: Any, count: int) -> Any:
    parts = index if isinstance(index, tuple) else (index,)
    return (slice(None),) * count + parts


def fit(x: Dual, value: Tensor) -> None:
    """Make x such that assigning the value changes elements only, and all that shares them with x as well."""
    if not holds(x, value):
        root = root_of(x)
        grow(root, value)
        retake(root)


def holds(x: Dual, value: Tensor) -> bool:
    """Whether x has the level, the directions and the arrays inside that the value asks of it."""
    if not isinstance(value, Dual) or value.level < x.level:
        free = isinstance(x.stored_tangent, Zero) or (
            not isinstance(x.stored_tangent, Structure) and writeable(x.stored_tangent)
        )
        return free and has_room(x.primal, value)
    if value.level > x.level or isinstance(x.stored_tangent, Structure):
        return False
    front = directions(x.stored_tangent, x.primal)
    tangent = dense(value)
    return (
        np.broadcast_shapes(front, directions(tangent, value.primal)) == front
        and writeable(x.stored_tangent)
        and has_room(x.primal, value.primal)
        and has_room(x.stored_tangent, tangent)
    )


def has_room(array: Tensor, value: Tensor) -> bool:
    """Whether an array inside a dual is itself a dual where the value that it is to hold is one."""
    return not isinstance(value, Dual) or (isinstance(array, Dual) and holds(array, value))


def grow(x: Dual, value: Tensor) -> None:
    """Give x, which is no view, what `holds` asks for."""
    if isinstance(value, Dual) and value.level > x.level:
        x.primal, x.stored_tangent, x.level = x.like(x.primal, x.stored_tangent), Zero(), value.level
    if not isinstance(value, Dual) or value.level < x.level:
        x.primal, x.stored_tangent = (
            roomy(x.primal, value),
            x.stored_tangent if isinstance(x.stored_tangent, Zero) else own(dense(x)),
        )
        return
    tangent = dense(value)
    front = directions(tangent, value.primal)
    held = dense(x, front)
    front = np.broadcast_shapes(front, directions(held, x.primal))
    if held.shape != front + x.primal.shape:
        held = redirect(held, x.primal.ndim, front)
    x.primal, x.stored_tangent = roomy(x.primal, value.primal), roomy(own(held), tangent)


def own(tangent: Tensor) -> Tensor:
    return tangent if writeable(tangent) else np.copy(tangent)


def roomy(array: Tensor, value: Tensor) -> Tensor:
    """The array, as a dual if the value is one, with room for it."""
    if not isinstance(value, Dual):
        return array
    room = array if isinstance(array, Dual) else value.like(array, Zero())
    fit(room, value)
    return room


def blank(function: Handler) -> Handler:
    """np.zeros_like and the like: values of the function, no tangent; a plain array of a type that holds none."""

    def handle(x: Dual, *args: Any, **options: Any) -> Tensor:
        made = function(x.primal, *args, **options)
        return x.like(made, Zero()) if made.dtype.kind in "fc" else made

    return handle


def full_like(x: Tensor, fill_value: Any, dtype: Any = None, *args: Any, **options: Any) -> Tensor:
    out: Tensor = np.empty_like(x, dtype, *args, **options)
    if isinstance(fill_value, Dual) and not isinstance(out, Dual):
        return typed(np.broadcast_to(fill_value, out.shape).copy(), dtype)  # type: ignore[call-overload]
    np.copyto(out, fill_value, casting="unsafe")
    return out


def copyto(dst: Tensor, src: Tensor, casting: Any = "same_kind", where: Any = True) -> None:
    check_target(dst, "copyto")
    setitem(dst, ..., src if where is True else np.where(where, src, dst), casting)


def check_target(x: Tensor, name: str) -> None:
    if not isinstance(x, Dual):
        raise TypeError(f"numpy.{name} of a dual needs a dual to write into: make it with np.zeros_like(dual)")


def scatter(name: str, x: Tensor, values: Tensor, put: Handler) -> None:
    """Assign values into x where `put(into, values)` puts their numbers: what it repeats or leaves out is NumPy's."""
    check_target(x, name)
    values = as_array(values)
    numbers = np.full(x.shape, -1)
    put(numbers, np.arange(values.size).reshape(values.shape))
    places = numbers >= 0
    setitem(x, places, np.ravel(values)[numbers[places]])


def put(a: Tensor, ind: Any, v: Tensor, mode: Any = "raise") -> None:
    scatter("put", a, v, lambda into, numbers: np.put(into, ind, numbers, mode))


def place(arr: Tensor, mask: Any, vals: Tensor) -> None:
    scatter("place", arr, vals, lambda into, numbers: np.place(into, mask, numbers))


def putmask(a: Tensor, mask: Any, values: Tensor) -> None:
    scatter("putmask", a, values, lambda into, numbers: np.putmask(into, mask, numbers))


def put_along_axis(arr: Tensor, indices: Any, values: Tensor, axis: int | None = -1) -> None:
    scatter("put_along_axis", arr, values, lambda into, numbers: np.put_along_axis(into, indices, numbers, axis))


def fill_diagonal(a: Tensor, val: Tensor, wrap: bool = False) -> None:
    scatter("fill_diagonal", a, val, lambda into, numbers: np.fill_diagonal(into, numbers, wrap))


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
