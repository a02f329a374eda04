"""Rules of ufuncs with two results, and of the methods of ufuncs: reduce, accumulate, outer, at, reduceat."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, each, plain, push
from dualtrain.core.dual.exponentials import logsumexp
from dualtrain.core.dual.rules.assignment import check_target, setitem
from dualtrain.core.dual.rules.combinators import Handler, as_array, from_end


def modf(x: Tensor) -> tuple[Tensor, Any]:
    whole = np.trunc(x)
    return x - whole, whole


def frexp(x: Tensor) -> tuple[Tensor, Any]:
    exponent = np.frexp(plain(x))[1]
    return np.ldexp(x, -exponent), exponent


def division_with_rest(x: Tensor, y: Tensor) -> tuple[Any, Tensor]:
    return np.floor_divide(x, y), np.remainder(x, y)


def running(ufunc: Any, reaches: Any) -> Handler:
    """np.maximum.accumulate or np.minimum.accumulate: of elements that tie, or are NaN, the last counts."""

    def handle(x: Tensor, axis: int) -> Tensor:
        value = plain(x)
        places = np.reshape(np.arange(value.shape[axis]), [-1] + [1] * (-from_end(axis, value.ndim) - 1))
        reached = reaches(value, ufunc.accumulate(value, axis=axis)) | np.isnan(value)
        return np.take_along_axis(x, np.maximum.accumulate(np.where(reached, places, 0), axis=axis), axis)

    return handle


def scattered(values: Tensor, shape: tuple[int, ...], index: Any) -> Tensor:
    """Zeros with the values added at the index, as often as a place occurs in it."""
    if isinstance(values, Dual):

        def scatter(array: Tensor) -> Tensor:
            return scattered(array, shape, index)

        return push(scatter, lambda tangents, out, primal: each(scatter, tangents[0], np.ndim(primal)), (values,))
    out = np.zeros(shape, values.dtype)
    np.add.at(out, index, values)
    return out


def add_at(x: Tensor, index: Any, values: Tensor) -> None:
    check_target(x, "add.at")
    values = np.broadcast_to(values, np.shape(plain(x)[index]))
    setitem(x, ..., x + scattered(values, np.shape(plain(x)), index))


def subtract_at(x: Tensor, index: Any, values: Tensor) -> None:
    add_at(x, index, np.negative(values))


def add_reduceat(x: Tensor, indices: Any, axis: int = 0) -> Tensor:
    place = from_end(axis, x.ndim)

    def apply(array: Tensor) -> Tensor:
        return np.add.reduceat(array, indices, axis=place)

    return push(apply, lambda tangents, out, primal: apply(tangents[0]), (x,))


def first_axis(function: Handler) -> Handler:
    """The function with the first axis as its default, which a ufunc's methods have."""
    return lambda x, axis=0, *args, **options: function(x, axis, *args, **options)


def along_one_axis(function: Handler) -> Handler:
    """The function along the axis that `accumulate` asks for, by default the first; None stands for the only one."""

    def handle(x: Tensor, axis: Any = 0, *args: Any, **options: Any) -> Tensor:
        places = np.atleast_1d(from_end(axis, np.ndim(x)))
        if len(places) != 1:
            raise ValueError(f"accumulate goes along one axis, not axis={axis} of {np.ndim(x)}")
        return function(x, int(places[0]), *args, **options)

    return handle


SEVERAL_RESULTS: dict[Any, Handler] = {np.modf: modf, np.frexp: frexp, np.divmod: division_with_rest}

METHODS: dict[tuple[Any, str], Handler] = {
    (np.add, "reduce"): first_axis(np.sum),
    (np.multiply, "reduce"): first_axis(np.prod),
    (np.maximum, "reduce"): first_axis(np.max),
    (np.minimum, "reduce"): first_axis(np.min),
    (np.fmax, "reduce"): first_axis(np.nanmax),
    (np.fmin, "reduce"): first_axis(np.nanmin),
    (np.logaddexp, "reduce"): first_axis(logsumexp),
    (np.add, "accumulate"): along_one_axis(np.cumsum),
    (np.multiply, "accumulate"): along_one_axis(np.cumprod),
    (np.maximum, "accumulate"): along_one_axis(running(np.maximum, np.greater_equal)),
    (np.minimum, "accumulate"): along_one_axis(running(np.minimum, np.less_equal)),
    (np.add, "at"): add_at,
    (np.subtract, "at"): subtract_at,
    (np.add, "reduceat"): add_reduceat,
}


def outer(ufunc: Any, a: Tensor, b: Tensor) -> Tensor:
    """`ufunc.outer`: every element of a with every one of b."""
    a, b = as_array(a), as_array(b)
    return ufunc(np.reshape(a, np.shape(a) + (1,) * np.ndim(b)), b)
