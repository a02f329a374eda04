"""Rules of functions that join, split and widen arrays."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, push
from dualtrain.core.dual.rules.combinators import Handler, as_array, floating_dtype, gathered, negative_axes
from dualtrain.core.dual.rules.indexing import plain_index
from dualtrain.core.dual.rules.shapes import broadcast_behind


def _concatenate(
    arrays: Sequence[Tensor], axis: int | None = 0, *, dtype: Any = None, casting: Any = "same_kind"
) -> Tensor:
    if axis is None:
        arrays, axis = [np.ravel(array) for array in arrays], 0
    place = negative_axes(axis, np.ndim(arrays[0]))
    options: Any = {"axis": place, "dtype": floating_dtype(dtype), "casting": casting}

    def rule(tangents: list[Tensor], out: Tensor, *primals: Tensor) -> Tensor:
        known = next((t, x) for t, x in zip(tangents, primals, strict=True) if t is not None)
        front = known[0].shape[: known[0].ndim - np.ndim(known[1])]
        parts = [
            np.zeros(front + np.shape(x), out.dtype) if t is None else t for t, x in zip(tangents, primals, strict=True)
        ]
        return np.concatenate(parts, **options)

    return push(lambda *parts: np.concatenate(parts, **options), rule, tuple(arrays))


def _stack(arrays: Sequence[Tensor], axis: int = 0, *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    parts = [np.expand_dims(array, axis) for array in arrays]
    return np.concatenate(parts, axis=axis, dtype=dtype, casting=casting)


def _merged(widen: Handler, axis: int) -> Handler:
    """Return the rule of np.vstack and others: each array first gets its axes, then all are joined."""

    def handle(arrays: Sequence[Tensor], *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
        return _concatenate([widen(array) for array in arrays], axis, dtype=dtype, casting=casting)

    return handle


def _hstack(arrays: Sequence[Tensor], *, dtype: Any = None, casting: Any = "same_kind") -> Tensor:
    parts = [np.atleast_1d(array) for array in arrays]
    return _concatenate(parts, 0 if parts[0].ndim == 1 else 1, dtype=dtype, casting=casting)


def _column(array: Tensor) -> Tensor:
    return np.reshape(array, (-1, 1)) if np.ndim(array) < 2 else array


def _column_stack(arrays: Sequence[Tensor]) -> Tensor:
    return _concatenate([_column(array) for array in arrays], 1)


def _block(arrays: Any) -> Tensor:
    """Join nested lists from the inside out, all parts with as many axes as the deepest needs."""
    np.block(_outline(arrays))  # whose errors are NumPy's
    ndim = max(_depth(arrays), *(np.ndim(leaf) for leaf in _leaves(arrays)))
    return _joined_block(arrays, _depth(arrays), ndim)


def _outline(arrays: Any) -> Any:
    """Return the nested lists with a number in the place of each array."""
    return [_outline(part) for part in arrays] if isinstance(arrays, list) else 0


def _joined_block(arrays: Any, levels: int, ndim: int) -> Tensor:
    if not isinstance(arrays, list):
        return np.reshape(arrays, (1,) * (ndim - np.ndim(arrays)) + np.shape(arrays))
    return _concatenate([_joined_block(part, levels - 1, ndim) for part in arrays], -levels)


def _depth(arrays: Any) -> int:
    return 1 + _depth(arrays[0]) if isinstance(arrays, list) else 0


def _leaves(arrays: Any) -> list[Tensor]:
    return [leaf for part in arrays for leaf in _leaves(part)] if isinstance(arrays, list) else [arrays]


def _append(x: Tensor, values: Tensor, axis: int | None = None) -> Tensor:
    if axis is None:
        return _concatenate([np.ravel(x), np.ravel(values)])
    return _concatenate([x, values], axis)


def _insert(arr: Tensor, obj: Any, values: Tensor, axis: int | None = None) -> Tensor:
    before = plain_index(obj)
    arr, values = as_array(arr), as_array(values)
    if isinstance(values, Dual) and not np.can_cast(values.dtype, arr.dtype, "same_kind"):
        raise TypeError(f"numpy.insert of {values.dtype} into {arr.dtype} would drop a derivative: convert the array")
    values = np.astype(values, arr.dtype)
    return gathered(lambda places, numbers: np.insert(places, before, numbers, axis), arr, values)


def _array_split(x: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    """Split where NumPy splits the indices."""
    places = np.array_split(np.arange(x.shape[axis]), indices_or_sections)
    return [np.moveaxis(np.moveaxis(x, axis, 0)[_as_slice(part)], 0, axis) for part in places]


def _as_slice(places: Any) -> slice:
    return slice(places[0], places[-1] + 1) if len(places) else slice(0, 0)


def _split(x: Tensor, indices_or_sections: Any, axis: int = 0) -> list[Tensor]:
    if np.ndim(indices_or_sections) == 0 and x.shape[axis] % indices_or_sections:
        raise ValueError(f"{x.shape[axis]} elements cannot be split into {indices_or_sections} equal parts")
    return _array_split(x, indices_or_sections, axis)


def _splitting(name: str, axis: int) -> Handler:
    """Return the rule of np.vsplit and others, which split along an axis that must exist."""

    def handle(x: Tensor, indices_or_sections: Any) -> list[Tensor]:
        if x.ndim <= max(axis, 1):
            raise ValueError(f"{name} takes arrays of {max(axis, 1) + 1} or more dimensions, not {x.ndim}")
        return _split(x, indices_or_sections, axis)

    return handle


def _hsplit(x: Tensor, indices_or_sections: Any) -> list[Tensor]:
    return _split(x, indices_or_sections, 1 if x.ndim > 1 else 0)


def _unstack(x: Tensor, *, axis: int = 0) -> tuple[Tensor, ...]:
    return tuple(np.moveaxis(x, axis, 0))


def _broadcast_arrays(*arrays: Tensor, subok: bool = False) -> tuple[Tensor, ...]:
    """Broadcast each array to a view that can be written into if the array can, as NumPy's after a warning."""
    shape = np.broadcast_shapes(*(np.shape(array) for array in arrays))

    def apply(array: Tensor) -> Tensor:
        if isinstance(array, Dual):
            return _broadcast_arrays(array, np.broadcast_to(np.zeros(()), shape))[0]
        view = np.broadcast_to(array, shape)
        view.flags.writeable = isinstance(array, np.ndarray) and array.flags.writeable
        return view

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        return broadcast_behind(tangents[0], np.ndim(primal), shape)

    return tuple(push(apply, rule, (array,)) for array in arrays)


def _meshgrid(*vectors: Tensor, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> tuple[Tensor, ...]:
    if indexing not in ("xy", "ij"):
        raise ValueError(f"meshgrid's indexing is 'xy' or 'ij', not {indexing!r}")
    count = len(vectors)
    grids = [np.reshape(x, (1,) * i + (-1,) + (1,) * (count - i - 1)) for i, x in enumerate(vectors)]
    if indexing == "xy" and count > 1:
        grids = [np.swapaxes(grid, 0, 1) for grid in grids]
    grids = grids if sparse else list(_broadcast_arrays(*grids))
    return tuple(np.copy(grid) if copy else grid for grid in grids)


RULES: dict[Any, Handler] = {
    np.concatenate: _concatenate,
    np.stack: _stack,
    np.vstack: _merged(np.atleast_2d, axis=0),
    np.hstack: _hstack,
    np.dstack: _merged(np.atleast_3d, axis=2),
    np.column_stack: _column_stack,
    np.block: _block,
    np.append: _append,
    np.insert: _insert,
    np.split: _split,
    np.array_split: _array_split,
    np.hsplit: _hsplit,
    np.vsplit: _splitting("vsplit", 0),
    np.dsplit: _splitting("dsplit", 2),
    np.unstack: _unstack,
    np.broadcast_arrays: _broadcast_arrays,
    np.meshgrid: _meshgrid,
}
