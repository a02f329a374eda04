"""Rules of ufuncs with two results, and of the methods of ufuncs: reduce, accumulate, outer, at, reduceat."""

from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    map_directions,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    plain,
    push,
)
from dualtrain.core.dual.exponentials import logsumexp
from dualtrain.core.dual.rules.assignment import check_target, setitem
from dualtrain.core.dual.rules.combinators import Handler, as_array, negative_axes


def _modf(x: Tensor) -> tuple[Tensor, Any]:
    dense = np.trunc(x)
    return x - dense, dense


def _frexp(x: Tensor) -> tuple[Tensor, Any]:
    exponent = np.frexp(plain(x))[1]
    return np.ldexp(x, -exponent), exponent


def _division_with_rest(x: Tensor, y: Tensor) -> tuple[Any, Tensor]:
    return np.floor_divide(x, y), np.remainder(x, y)


def _running(ufunc: Any, reaches: Any) -> Handler:
    """Return the rule of np.maximum.accumulate or np.minimum.accumulate: of ties, or of NaN, the last counts."""

    def handle(x: Tensor, axis: int) -> Tensor:
        value = plain(x)
        places = np.reshape(np.arange(value.shape[axis]), [-1] + [1] * (-negative_axes(axis, value.ndim) - 1))
        reached = reaches(value, ufunc.accumulate(value, axis=axis)) | np.isnan(value)
        return np.take_along_axis(x, np.maximum.accumulate(np.where(reached, places, 0), axis=axis), axis)

    return handle


def _scattered(values: Tensor, shape: tuple[int, ...], index: Any) -> Tensor:
    """Return zeros with the values added at the index, as often as a place occurs in it."""
    if isinstance(values, Dual):

        def scatter(array: Tensor) -> Tensor:
            return _scattered(array, shape, index)

        return push(
            scatter, lambda tangents, out, primal: map_directions(scatter, tangents[0], np.ndim(primal)), (values,)
        )
    out = np.zeros(shape, values.dtype)
    np.add.at(out, index, values)
    return out


def _add_at(x: Tensor, index: Any, values: Tensor) -> None:
    check_target(x, "add.at")
    values = np.broadcast_to(values, np.shape(plain(x)[index]))
    setitem(x, ..., x + _scattered(values, np.shape(plain(x)), index))


def _subtract_at(x: Tensor, index: Any, values: Tensor) -> None:
    _add_at(x, index, np.negative(values))


def _add_reduceat(x: Tensor, indices: Any, axis: int = 0) -> Tensor:
    place = negative_axes(axis, x.ndim)

    def apply(array: Tensor) -> Tensor:
        return np.add.reduceat(array, indices, axis=place)

    return push(apply, lambda tangents, out, primal: apply(tangents[0]), (x,))


def _first_axis(function: Handler) -> Handler:
    """Return the function with the first axis as its default, which a ufunc's methods have."""
    return lambda x, axis=0, *args, **options: function(x, axis, *args, **options)


def _along_one_axis(function: Handler) -> Handler:
    """Return the function along one axis, by default the first; None stands for the only one."""

    def handle(x: Tensor, axis: Any = 0, *args: Any, **options: Any) -> Tensor:
        places = np.atleast_1d(negative_axes(axis, np.ndim(x)))
        if len(places) != 1:
            raise ValueError(f"accumulate goes along one axis, not axis={axis} of {np.ndim(x)}")
        return function(x, int(places[0]), *args, **options)

    return handle


SEVERAL_RESULTS: dict[Any, Handler] = {np.modf: _modf, np.frexp: _frexp, np.divmod: _division_with_rest}

METHODS: dict[tuple[Any, str], Handler] = {
    (np.add, "reduce"): _first_axis(np.sum),
    (np.multiply, "reduce"): _first_axis(np.prod),
    (np.maximum, "reduce"): _first_axis(np.max),
    (np.minimum, "reduce"): _first_axis(np.min),
    (np.fmax, "reduce"): _first_axis(np.nanmax),
    (np.fmin, "reduce"): _first_axis(np.nanmin),
    (np.logaddexp, "reduce"): _first_axis(logsumexp),
    (np.add, "accumulate"): _along_one_axis(np.cumsum),
    (np.multiply, "accumulate"): _along_one_axis(np.cumprod),
    (np.maximum, "accumulate"): _along_one_axis(_running(np.maximum, np.greater_equal)),
    (np.minimum, "accumulate"): _along_one_axis(_running(np.minimum, np.less_equal)),
    (np.add, "at"): _add_at,
    (np.subtract, "at"): _subtract_at,
    (np.add, "reduceat"): _add_reduceat,
}


def outer(ufunc: Any, a: Tensor, b: Tensor) -> Tensor:
    """Return `ufunc.outer`: the ufunc of every element of a with every element of b."""
    a, b = as_array(a), as_array(b)
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)
