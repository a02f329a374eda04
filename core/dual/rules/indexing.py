"""Indexing of every kind, of values and of tangents."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, changeable, push
from dualtrain.core.dual.structured import UnitTangent

_BASIC = (slice, type(None), type(Ellipsis))


def getitem(x: Tensor, index: Any) -> Tensor:
    """Return `x[index]`; a slice of a one-hot vector that no direction touches is a plain array."""
    tangent = x.stored_tangent
    if isinstance(tangent, UnitTangent) and x.primal.ndim == 1 and isinstance(index, slice) and not changeable(x):
        cut = _slice_units(tangent, range(len(x.primal))[index])
        if cut is not Ellipsis:
            return x.primal[index] if cut is None else x.like(x.primal[index], cut)

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        return _behind(tangents[0], tangents[0].ndim - primal.ndim, index)

    return push(lambda array: array[index], rule, (x,))


def _slice_units(tangent: UnitTangent, places: range) -> Any:
    """Return the one-hot tangent of a slice; None if no direction is left in it, Ellipsis if only some are."""
    inside = [unit in places for unit in tangent.units.tolist()]
    if not any(inside):
        return None
    if not all(inside):
        return ...
    return UnitTangent((tangent.units - places.start) // places.step, tangent.values)


def _behind(tangent: Tensor, count: int, index: Any) -> Tensor:
    """Return `tangent[index]` with the index meant for the axes behind the `count` direction axes."""
    if count == 0:
        return tangent[index]
    parts = index if isinstance(index, tuple) else (index,)
    result = tangent[(slice(None),) * count + parts]
    moved = moved_to_front(parts)
    if moved:  # NumPy puts the axes of separated advanced indices first, before the directions
        return np.moveaxis(result, range(moved, moved + count), range(count))
    return result


def moved_to_front(parts: tuple[Any, ...]) -> int:
    """Return how many axes advanced indices that a slice, None or Ellipsis separates put first; 0 if none do."""
    chosen = [(i, _made_axes(part)) for i, part in enumerate(parts) if not isinstance(part, _BASIC)]
    axes = max((count for _, count in chosen), default=0)
    structured = axes == 0 or chosen[-1][0] - chosen[0][0] + 1 == len(chosen)
    return 0 if structured else axes


def _made_axes(part: Any) -> int:
    """Return how many axes an index makes: none an integer, one an array of truth values."""
    if type(part) is int:
        return 0
    return 1 if np.asarray(part).dtype == bool else np.ndim(part)


def plain_index(index: Any) -> Any:
    """Return the index without tangents: where something stands is piecewise constant."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, Dual):
        raise TypeError("an index cannot be a dual: it selects, and has no derivative; take np.argsort or .primal")
    return index
