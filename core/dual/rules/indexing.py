"""Indexing of every kind, on values and their tangents alike."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, changeable, push
from dualtrain.core.dual.structured import UnitTangent

BASIC = (slice, type(None), type(Ellipsis))


def getitem(x: Tensor, index: Any) -> Tensor:
    """`x[index]`; a slice of a one-hot vector that no direction touches is a plain array."""
    tangent = x.stored_tangent
    if isinstance(tangent, UnitTangent) and x.primal.ndim == 1 and isinstance(index, slice) and not changeable(x):
        cut = sliced(tangent, range(len(x.primal))[index])
        if cut is not Ellipsis:
            return x.primal[index] if cut is None else x.like(x.primal[index], cut)

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        return behind(tangents[0], tangents[0].ndim - primal.ndim, index)

    return push(lambda array: array[index], rule, (x,))


def sliced(tangent: UnitTangent, kept: range) -> Any:
    """The one-hot tangent of a slice; None if no direction is left in it, Ellipsis if only some are."""
    inside = [unit in kept for unit in tangent.units.tolist()]
    if not any(inside):
        return None
    if not all(inside):
        return ...
    return UnitTangent((tangent.units - kept.start) // kept.step, tangent.values)


def behind(tangent: Tensor, count: int, index: Any) -> Tensor:
    """`tangent[index]` with the index meant for the axes behind the `count` direction axes."""
    if count == 0:
        return tangent[index]
    parts = index if isinstance(index, tuple) else (index,)
    found = tangent[(slice(None),) * count + parts]
    moved = moved_to_front(parts)
    if moved:  # NumPy puts the axes of separated advanced indices first, before the directions
        return np.moveaxis(found, range(moved, moved + count), range(count))
    return found


def moved_to_front(parts: tuple[Any, ...]) -> int:
    """How many axes advanced indices that a slice, None or Ellipsis separates put first; 0 if none do."""
    chosen = [(i, made_axes(part)) for i, part in enumerate(parts) if not isinstance(part, BASIC)]
    axes = max((count for _, count in chosen), default=0)
    together = axes == 0 or chosen[-1][0] - chosen[0][0] + 1 == len(chosen)
    return 0 if together else axes


def made_axes(part: Any) -> int:
    """How many axes an index makes: none an integer, which an array without axes is too, and one truth values."""
    if type(part) is int:
        return 0
    return 1 if np.asarray(part).dtype == bool else np.ndim(part)


def plain_index(index: Any) -> Any:
    """The index without tangents: where something stands is piecewise constant."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, Dual):
        raise TypeError("an index cannot be a dual: it selects, and has no derivative; take np.argsort or .primal")
    return index
