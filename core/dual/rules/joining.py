"""Rules of functions that join, split and widen arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, push
from dualtrain.core.dual.rules.combinators import Handler, as_array, from_end, gathered, holding
from dualtrain.core.dual.rules.indexing import plain_index
from dualtrain.core.dual.rules.shapes import broadcast_behind


def concatenate(
    arrays: Sequence[Tensor], axis: int | None = 0, *, dtype: Any = None, casting: Any = "same_kind"
) -> Tensor:
    if axis is None:
        arrays, axis = [np.ravel(array) for array in arrays], 0
    place = from_end(axis, np.ndim(arrays[0]))
    options: Any = {"axis": place, "dtype": holding(dtype), "casting": casting}

    def rule(tangents: list[Tensor], out: Tensor, *primals: Tensor) -> Tensor:
        known = next((t, x) for t, x in zip(tangents, primals, strict=True) if t is not None)
        front = known[0].shape[: known[0].ndim - np.ndim(known[1])]
        parts = [
            np.zeros(front + np.shape(x), out.dtype) if t is None else t for t, x in zip(tangents, primals, strict=True)
        ]
        return np.concatenate(parts, **options)

    return push(lambda *parts: np.concatenate(parts, **options), rule, tuple(arrays))


def stack(arrays: Sequence[Tensor], axis: int = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    parts = [np.expand_dims(array, axis) for array in arrays]
    return np.concatenate(parts, axis=axis, dtype=dtype, casting=casting)


def merged(widen: Handler, axis: int) -> Handler:
    """np.vstack and the like: each array first gets its axes, then all are joined."""

    def handle(arrays: Sequence[Tensor], *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
        return concatenate([widen(array) for array in arrays], axis, dtype=dtype, casting=casting)

    return handle


def hstack(arrays: Sequence[Tensor], *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    parts = [np.atleast_1d(array) for array in arrays]
    return concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def column(array: Tensor) -> Tensor:
    return np.reshape(array, (-1, 1)) if np.ndim(array) < 2 else array


def column_stack(arrays: Sequence[Tensor]) -> Tensor:
    return concatenate([column(array) for array in arrays], 1)


def block(arrays: Any) -> Tensor:
    """Nested lists joined from the inside out, all parts with as many axes as the deepest needs."""
    np.block(outline(arrays))  # whose errors are NumPy's
    ndim = max(depth(arrays), *(np.ndim(leaf) for leaf in leaves(arrays)))
    return joined_block(arrays, depth(arrays), ndim)


def outline(arrays: Any) -> Any:
    """The nested lists with a number in the place of each array."""
    return [outline(part) for part in arrays] if isinstance(arrays, list) else 0


def joined_block(arrays: Any, levels: int, ndim: int) -> Tensor:
    if not isinstance(arrays, list):
        return np.reshape(arrays, (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))
    return concatenate([joined_block(part, levels - 1, ndim) for part in arrays], -levels)


def depth(arrays: Any) -> int:
    return 1 + depth(arrays[0]) if isinstance(arrays, list) else 0


def leaves(arrays: Any) -> list[Tensor]:
    return [leaf for part in arrays for leaf in leaves(part)] if isinstance(arrays, list) else [arrays]


def append(x: Tensor, values: Tensor, axis: int | None = None) -> Tensor:
    if axis is None:
        return concatenate([np.ravel(x), np.ravel(values)])
    return concatenate([x, values], axis)


def insert(arr: Tensor, obj: Any, values: Tensor, axis: int | None = None) -> Tensor:
    before = plain_index(obj)
    arr, values = as_array(arr), as_array(values)
    if isinstance(values, Dual) and not np.can_cast(values.dtype, arr.dtype, "same_kind"):
        raise TypeError(f"numpy.insert of {values.dtype} into {arr.dtype} would drop a derivative: convert the array")
    values = np.astype(values, arr.dtype)
    return gathered(lambda places, numbers: np.insert(places, before, numbers, axis), arr, values)


def array_split(x: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Cut where NumPy cuts the numbers of the places."""
    places = np.array_split(np.arange(x.shape[axis]), indices_or_sections)
    return [np.moveaxis(np.moveaxis(x, axis, 0)[cut(part)], 0, axis) for part in places]


def cut(places: Any) -> slice:
    return slice(places[0], places[-1] + 1) if len(places) else slice(0, 0)


def split(x: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    if np.ndim(indices_or_sections) == 0 and x.shape[axis] % indices_or_sections:
        raise ValueError(f"{x.shape[axis]} elements cannot be split into {indices_or_sections} equal parts")
    return array_split(x, indices_or_sections, axis)


def splitting(name: str, axis: int) -> Handler:
    """np.vsplit and the like, which cut along an axis that has to be there."""

    def handle(x: Tensor, indices_or_sections: Any) -> list[Tensor]:
        if x.ndim <= max(axis, 1):
            raise ValueError(f"{name} takes arrays of {max(axis, 1) + 1} or more dimensions, not {x.ndim}")
        return split(x, indices_or_sections, axis)

    return handle


def hsplit(x: Tensor, indices_or_sections: Any) -> list[Tensor]:
    return split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def unstack(x: Tensor, *, axis: int = 0) -> tuple[Tensor, ...]:
    return tuple(np.moveaxis(x, axis, 0))


def broadcast_arrays(*arrays: Tensor, subok: bool = False) -> tuple[Tensor, ...]:
    """Broadcast each array to a view that can be written into if the array can, as NumPy's after a warning."""
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays))

    def apply(array: Tensor) -> Tensor:
        if isinstance(array, Dual):
            return broadcast_arrays(array, np.broadcast_to(np.zeros(()), shape))[0]
        view = np.broadcast_to(array, shape)
        view.flags.writeable = isinstance(array, np.ndarray) and array.flags.writeable
        return view

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        return broadcast_behind(tangents[0], np.ndim(primal), shape)

    return tuple(push(apply, rule, (array,)) for array in arrays)


def meshgrid(*vectors: Tensor, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid's indexing is 'xy' or 'ij', not {indexing!r}")
    count = len(vectors)
    grids = [np.reshape(x, (1,) * i + (-1,) + (1,) * (count - i - 1)) for i, x in enumerate(vectors)]
    if indexing == "xy" and count > 1:
        grids = [np.swapaxes(grid, 0, 1) for grid in grids]
    grids = grids if sparse else list(broadcast_arrays(*grids))
    return tuple(np.copy(grid) if copy else grid for grid in grids)


RULES: dict[Any, Handler] = {
    np.concatenate: concatenate,
    np.stack: stack,
    np.vstack: merged(np.atleast_2d, axis=0),
    np.hstack: hstack,
    np.dstack: merged(np.atleast_3d, axis=2),
    np.column_stack: column_stack,
    np.block: block,
    np.append: append,
    np.insert: insert,
    np.split: split,
    np.array_split: array_split,
    np.hsplit: hsplit,
    np.vsplit: splitting("vsplit", 0),
    np.dsplit: splitting("dsplit", 2),
    np.unstack: unstack,
    np.broadcast_arrays: broadcast_arrays,
    np.meshgrid: meshgrid,
}
