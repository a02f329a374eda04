"""Rules of sums, means, products, extrema and spreads."""

import warnings
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, folded, plain, push
from dualtrain.core.dual.rules.combinators import Handler, from_end, typed

Axis = int | tuple[int, ...] | None


def add_up(
    x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Tensor:
    x = only(where, typed(x, dtype), 0)
    place = reduced(axis, np.ndim(x))

    def apply(array: Tensor) -> Tensor:
        return np.sum(array, axis=place, keepdims=keepdims)

    out = push(apply, lambda tangents, out, primal: apply(tangents[0]), (x,))
    return out if initial is None else out + initial


def only(where: Any, x: Tensor, neutral: float) -> Tensor:
    """x where that is true, and a neutral element elsewhere."""
    return x if where is True else np.where(np.broadcast_to(where, x.shape), x, neutral)


def reduced(axis: Axis, ndim: int) -> Any:
    """The axes from the end; of a number NumPy's ufuncs reduce the axis 0 or -1 as well, though it has none."""
    return () if ndim == 0 and axis in (0, -1) else from_end(axis, ndim)


def mean(x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Tensor:
    if dtype is None and x.dtype == np.float16:  # added up in single precision, as NumPy does
        return np.astype(mean(x, axis, np.float32, keepdims=keepdims, where=where), x.dtype)
    x = typed(x, dtype)
    count = at_least_one(counted(x, axis, keepdims, where), "Mean of empty slice")
    return np.sum(x, axis=axis, keepdims=keepdims, where=where) / count


def counted(x: Tensor, axis: Axis, keepdims: bool, where: Any) -> Any:
    """How many elements are reduced to one, a number where it is the same for all."""
    if where is True:
        size = np.prod([x.shape[i] for i in np.atleast_1d(from_end(axis, x.ndim))], dtype=int)
        return float(size)
    count = np.sum(np.broadcast_to(where, x.shape), axis=axis, keepdims=keepdims)
    return np.asarray(count, np.real(np.empty(0, x.dtype)).dtype)


def at_least_one(count: Any, otherwise: str) -> Any:
    """The number to divide by, 0 where it is less, of which NumPy warns before it divides."""
    short = count <= 0
    if short is not False and np.any(short):  # of a number without a call, which small arrays are sensitive to
        warnings.warn(otherwise, RuntimeWarning, stacklevel=2)
        return (count + abs(count)) / 2  # the larger of it and 0, in its own type
    return count


def variance(
    x: Tensor, axis: Axis = None, dtype: Any = None, *, ddof: float = 0, keepdims: bool = False, where: Any = True,
    mean: Any = None, correction: float | None = None,
) -> Tensor:  # fmt: skip
    def rest_of(primal: Tensor) -> Tensor:
        return primal - (np.mean(primal, axis=place, keepdims=True, where=where) if mean is None else mean)

    def added(rest: Tensor, other: Tensor) -> Tensor:
        products = np.real(np.conjugate(rest) * other) if np.iscomplexobj(rest) else rest * other
        return np.sum(products, axis=place, keepdims=keepdims, where=where)

    if isinstance(mean, Dual):
        raise TypeError("numpy.var takes no dual as mean=: write out the mean of the squares")
    x = typed(x, dtype)
    place = from_end(axis, x.ndim)
    free = counted(x, axis, keepdims, where) - (ddof if correction is None else correction)
    free = at_least_one(free, "Degrees of freedom <= 0 for slice")
    rest = push(rest_of, lambda tangents, out, primal: tangents[0], (x,))  # without the mean's: in the sum it is 0
    return push(
        lambda rest: added(rest, rest) / free,
        lambda tangents, out, rest: added(rest, tangents[0]) / (free / 2),
        (rest,),
    )


def deviation(x: Tensor, axis: Axis = None, dtype: Any = None, **options: Any) -> Tensor:
    return np.sqrt(variance(x, axis, dtype, **options))


def extremum(function: Handler, joined: Handler, neutral: float) -> Handler:
    """np.max or np.min: elements that tie share the tangent evenly, as with `maximum`; `neutral` never wins."""

    def handle(
        x: Tensor, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Tensor:
        bounds = {} if initial is None else {"initial": neutral}
        if where is not True:
            function(plain(x), axis, where=where, **bounds)  # whose errors are NumPy's
        x = only(where, x, neutral)
        place = reduced(axis, x.ndim)

        def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
            kept = out if keepdims else np.expand_dims(out, place)
            hits = np.equal(primal, kept)
            if 0 < np.count_nonzero(hits) == np.size(out) and not np.any(np.isnan(out)):  # no ties: nothing to weigh
                return picked(tangents[0], hits, place, out)
            with np.errstate(invalid="ignore"):  # NaN hits nothing, and has NaN as its tangent
                weights = hits / np.sum(hits, axis=place, keepdims=True, dtype=primal.dtype)
            return np.sum(tangents[0] * weights, axis=place, keepdims=keepdims)

        if np.iscomplexobj(x):
            raise TypeError(f"numpy.{function.__name__} has no complex derivative")
        out = push(lambda array: function(array, axis=place, keepdims=keepdims, **bounds), rule, (x,))
        return out if initial is None else joined(out, initial)

    return handle


def picked(tangent: Tensor, hits: Any, place: tuple[int, ...] | int, out: Tensor) -> Tensor:
    """The tangents at the one hit of each reduction, in the shape of the result."""
    places = np.atleast_1d(place).tolist()
    rest = [i for i in range(-hits.ndim, 0) if i not in places]
    shape, lengths = ([hits.shape[i] for i in axes] for axes in (rest, places))
    numbers = np.argmax(folded(np.transpose(hits, rest + places), len(rest)), axis=-1)
    index = dict(zip(places, np.unravel_index(numbers, (1, *lengths))[1:], strict=True))  # there may be no places
    index |= zip(rest, np.indices(shape, sparse=True), strict=True)
    front = tangent.shape[: tangent.ndim - hits.ndim]
    found = tangent[(slice(None),) * len(front) + tuple(index[i] for i in range(-hits.ndim, 0))]
    return np.reshape(found, front + np.shape(out))


def product(
    x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Tensor:
    """The tangent of each element times the product of all others, which needs no division: zeros are no exception."""
    x = only(where, typed(x, dtype), 1)
    axes = np.atleast_1d(reduced(axis, x.ndim)).tolist()
    rest = [i for i in range(-x.ndim, 0) if i not in axes]
    shape = [1 if i in axes else x.shape[i] for i in range(-x.ndim, 0)]
    flat = folded(np.transpose(x, rest + axes), len(rest))
    out = push(
        lambda primal: np.prod(primal, axis=-1),
        lambda tangents, out, primal: np.sum(tangents[0] * others(primal), axis=-1),
        (flat,),
    )
    out = np.reshape(out, shape) if keepdims else out
    return out if initial is None else out * initial


def others(x: Tensor) -> Tensor:
    """For each element along the last axis the product of all others."""
    one = np.ones((*x.shape[:-1], 1), x.dtype)
    before = np.cumprod(np.concatenate([one, x[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([one, x[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return before * after


def ptp(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


def average(
    x: Tensor, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        found = np.mean(x, axis=axis, keepdims=keepdims)
        scale = np.asarray(counted(x, axis, keepdims, True), found.dtype)
    else:
        weights = weights_of(weights, np.shape(x), axis)
        scale = np.sum(weights, axis=axis, keepdims=keepdims)
        if np.any(np.equal(scale, 0)):
            raise ZeroDivisionError("the weights add up to 0, so there is no average: take others, or np.sum")
        found = np.sum(x * weights, axis=axis, keepdims=keepdims) / scale
    return (found, np.broadcast_to(scale, np.shape(found))) if returned else found


def weights_of(weights: Tensor, shape: tuple[int, ...], axis: Axis) -> Tensor:
    """The weights of every element, from those or from one for each place along the axes."""
    if np.shape(weights) != shape:
        if axis is None:
            raise TypeError(f"weights of shape {np.shape(weights)} for an array of shape {shape} need axis=")
        axes = np.atleast_1d(from_end(axis, len(shape)))
        if np.shape(weights) != (along := tuple(shape[i] for i in axes)):
            raise ValueError(f"weights of shape {np.shape(weights)} for axes of shape {along}: give one for each place")
        weights = np.transpose(weights, np.argsort(axes))
        weights = np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(shape, -len(shape))])
    return np.broadcast_to(weights, shape)


LARGEST, SMALLEST = extremum(np.max, np.maximum, -np.inf), extremum(np.min, np.minimum, np.inf)

RULES: dict[Any, Handler] = {
    np.sum: add_up,
    np.mean: mean,
    np.var: variance,
    np.std: deviation,
    np.max: LARGEST,
    np.amax: LARGEST,
    np.min: SMALLEST,
    np.amin: SMALLEST,
    np.prod: product,
    np.ptp: ptp,
    np.average: average,
}
