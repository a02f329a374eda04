"""Rules of functions that choose among elements by their values."""

from typing import Any

import numpy as np

from core.dual.engine import Tensor, push, spread
from core.dual.rules.kinds import Handler
from core.dual.structure import Structure, UnitTangent


def where(condition: Tensor, *choices: Tensor) -> Tensor:
    """np.where; the side that is not chosen never matters, even if its derivative is infinite."""
    mask = np.not_equal(condition, 0)
    if not choices:
        return np.nonzero(mask)

    def rule(tangents: list[Tensor], out: Tensor, *reals: Tensor) -> Tensor:
        unit = next((t for t in tangents if isinstance(t, UnitTangent)), None)
        chosen = [t if t is None else dense(t, x, out) for t, x in zip(tangents, reals, strict=True)]
        return np.where(mask, *(0 if t is None else t for t in chosen)).astype(out.dtype, copy=False)

    def dense(tangent: Tensor, x: Tensor, out: Tensor) -> Tensor:
        whole = tangent.dense(x.shape, x.dtype) if isinstance(tangent, Structure) else tangent
        return np.broadcast_to(spread(whole, np.ndim(x), out.ndim), whole.shape[: whole.ndim - np.ndim(x)] + out.shape)

    def structured(tangents: list[Tensor], out: Tensor, *reals: Tensor) -> Tensor:
        for side, t, x in zip((mask, ~mask), tangents, reals, strict=True):
            if isinstance(t, UnitTangent) and x.shape == out.shape and sum(t is not None for t in tangents) == 1:
                kept = np.moveaxis(np.broadcast_to(side, out.shape)[..., t.units], -1, 0)
                return UnitTangent(t.units, np.where(kept, t.values, np.zeros((), out.dtype)))
        return rule(tangents, out, *reals)

    return push(lambda *sides: np.where(mask, *sides), structured, choices, structured=True)


RULES: dict[Any, Handler] = {np.where: where}
