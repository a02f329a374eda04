"""Rules of running sums and products."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Tensor, plain, push
from dualtrain.core.dual.rules.combinators import Handler, as_dtype, axiswise, negative_axes
from dualtrain.core.dual.structured import scale_tangent


def _cumsum(x: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    return axiswise(np.cumsum, 0, None, "ravel")(np.atleast_1d(as_dtype(x, dtype)), axis)


def _cumprod(x: Tensor, axis: int | None = None, dtype: Any = None) -> Tensor:
    x = np.atleast_1d(as_dtype(x, dtype))
    if axis is None:
        x, axis = np.ravel(x), 0
    place = negative_axes(axis, x.ndim)

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        last = (np.moveaxis(array, place, -1) for array in (tangents[0], out, primal))
        return np.moveaxis(_product_rule(*last), -1, place)

    return push(lambda array: np.cumprod(array, axis=place), rule, (x,))


@np.errstate(invalid="ignore")  # infinity times a tangent of 0
def _product_rule(tangent: Tensor, out: Tensor, primal: Tensor) -> Tensor:
    """Return the tangent of running products along the last axis."""
    size = np.abs(plain(out))
    if np.all((size >= np.finfo(out.dtype).tiny) & (size < np.inf)):  # elsewhere a quotient has lost its digits
        return out * np.cumsum(tangent / primal, axis=-1)
    sums = [tangent[..., 0]]
    for i in range(1, primal.shape[-1]):
        sums.append(sums[-1] * primal[..., i] + scale_tangent(out[..., i - 1], tangent[..., i]))
    return np.stack(sums, axis=-1)


def _cumulative(function: Handler, first: float) -> Handler:
    """Return the rule of np.cumulative_sum or np.cumulative_prod, by their older names."""

    def handle(x: Tensor, *, axis: int | None = None, dtype: Any = None, include_initial: bool = False) -> Tensor:
        if axis is None and x.ndim > 1:
            raise ValueError(f"a cumulative function of {x.ndim} axes needs axis=")
        place = 0 if axis is None else axis
        out = function(x, axis=place, dtype=dtype)
        if not include_initial:
            return out
        start = np.expand_dims(np.full(np.delete(x.shape, place), first, out.dtype), place)
        return np.concatenate([start, out], axis=place)

    return handle


RULES: dict[Any, Handler] = {
    np.cumsum: _cumsum,
    np.cumprod: _cumprod,
    np.cumulative_sum: _cumulative(np.cumsum, 0),
    np.cumulative_prod: _cumulative(np.cumprod, 1),
}
