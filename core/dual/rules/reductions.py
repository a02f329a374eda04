"""Rules of sums, means, products and extrema."""

from typing import Any

import numpy as np

from core.dual.engine import Tensor, push
from core.dual.rules.kinds import Handler, axiswise, from_end

Axis = int | tuple[int, ...] | None


def total(
    x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Tensor:
    """np.sum."""
    if where is not True:
        x = np.where(where, x, 0)
    place = from_end(axis, np.ndim(x))

    def apply(array: Tensor) -> Tensor:
        return np.sum(array, axis=place, dtype=dtype, keepdims=keepdims)

    out = push(apply, lambda tangents, out, real: apply(tangents[0]), (x,))
    return out if initial is None else out + initial


def mean(x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Tensor:
    place = from_end(axis, x.ndim)
    count = np.sum(np.broadcast_to(where, x.shape), axis=place, keepdims=keepdims)
    return np.sum(x, axis=place, dtype=dtype, keepdims=keepdims, where=where) / np.asarray(count, x.real.dtype)


def extremum(name: str) -> Handler:
    """np.max or np.min: the tangent of the extremum; elements that tie share it evenly."""
    function, place_of = getattr(np, name), getattr(np, "arg" + name)

    def handle(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
        place = from_end(axis, x.ndim)

        def rule(tangents: list[Tensor], out: Tensor, real: Tensor) -> Tensor:
            extreme = out if keepdims else np.expand_dims(out, place)
            hits = np.equal(real, extreme)
            weights = hits / np.sum(hits, axis=place, keepdims=True, dtype=real.dtype)
            return np.sum(tangents[0] * weights, axis=place, keepdims=keepdims)

        return push(lambda array: function(array, axis=place, keepdims=keepdims), rule, (x,))

    return handle


RULES: dict[Any, Handler] = {
    np.sum: total,
    np.mean: mean,
    np.max: extremum("max"),
    np.min: extremum("min"),
    np.cumsum: axiswise(np.cumsum, 0, None, "ravel"),
}
