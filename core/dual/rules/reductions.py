"""Rules of sums, means, products, extrema and spreads."""

import warnings
from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    merge_axes,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    plain,
    push,
)
from dualtrain.core.dual.rules.combinators import Handler, as_dtype, negative_axes

Axis = int | tuple[int, ...] | None


def _add_up(
    x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Tensor:
    x = _masked(where, as_dtype(x, dtype), 0)
    place = _reduced_axes(axis, np.ndim(x))

    def apply(array: Tensor) -> Tensor:
        return np.add.reduce(array, axis=place, keepdims=keepdims)  # type: ignore[call-overload]

    out = push(apply, lambda tangents, out, primal: apply(tangents[0]), (x,))
    return out if initial is None else out + initial


def _masked(where: Any, x: Tensor, neutral: float) -> Tensor:
    """Return x where the mask is true, and a neutral element elsewhere."""
    return x if where is True else np.where(np.broadcast_to(where, x.shape), x, neutral)


def _reduced_axes(axis: Axis, ndim: int) -> Any:
    """Return the axes from the end; of a number NumPy's ufuncs reduce the axis 0 or -1 as well, though it has none."""
    return () if ndim == 0 and axis in (0, -1) else negative_axes(axis, ndim)


def _mean(x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, where: Any = True) -> Tensor:
    if dtype is None and x.dtype == np.float16:  # added up in single precision, as NumPy does
        return np.astype(_mean(x, axis, np.float32, keepdims=keepdims, where=where), x.dtype)
    x = as_dtype(x, dtype)
    count = _positive_count(count_reduced(x, axis, keepdims, where), "Mean of empty slice")
    return np.sum(x, axis=axis, keepdims=keepdims, where=where) / count


def count_reduced(x: Tensor, axis: Axis, keepdims: bool, where: Any) -> Any:
    """Return the number of elements in each reduction, one number where it is the same for all."""
    if where is True:
        size = np.prod([x.shape[i] for i in np.atleast_1d(negative_axes(axis, x.ndim))], dtype=int)
        return float(size)
    count = np.sum(np.broadcast_to(where, x.shape), axis=axis, keepdims=keepdims)
    return np.asarray(count, np.real(np.empty(0, x.dtype)).dtype)


def _positive_count(count: Any, otherwise: str) -> Any:
    """Return the number to divide by, 0 where it is less, of which NumPy warns before it divides."""
    short = count <= 0
    if short is not False and np.any(short):  # of a number without a call, which small arrays are sensitive to
        warnings.warn(otherwise, RuntimeWarning, stacklevel=2)
        return (count + abs(count)) / 2  # the larger of it and 0, in its own type
    return count


def _variance(
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
    x = as_dtype(x, dtype)
    place = negative_axes(axis, x.ndim)
    free = count_reduced(x, axis, keepdims, where) - (ddof if correction is None else correction)
    free = _positive_count(free, "Degrees of freedom <= 0 for slice")
    rest = push(rest_of, lambda tangents, out, primal: tangents[0], (x,))  # without the mean's: in the sum it is 0
    return push(
        lambda rest: added(rest, rest) / free,
        lambda tangents, out, rest: added(rest, tangents[0]) / (free / 2),
        (rest,),
    )


def _deviation(x: Tensor, axis: Axis = None, dtype: Any = None, **options: Any) -> Tensor:
    return np.sqrt(_variance(x, axis, dtype, **options))


def _extremum(function: Handler, joined: Handler, neutral: float) -> Handler:
    """Return the rule of np.max or np.min: ties share the tangent evenly, as with `maximum`; `neutral` never wins."""

    def handle(
        x: Tensor, axis: Axis = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
    ) -> Tensor:
        bounds = {} if initial is None else {"initial": neutral}
        if where is not True:
            function(plain(x), axis, where=where, **bounds)  # whose errors are NumPy's
        x = _masked(where, x, neutral)
        place = _reduced_axes(axis, x.ndim)

        def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
            selected = out if keepdims else np.expand_dims(out, place)
            hits = np.equal(primal, selected)
            if 0 < np.count_nonzero(hits) == np.size(out) and not np.any(np.isnan(out)):  # no ties: nothing to weigh
                if hits.ndim == 1 and place:
                    picked = tangents[0][..., hits.argmax()]
                    return picked[..., None] if keepdims else picked
                return _tangents_at(tangents[0], hits, place, out)
            with np.errstate(invalid="ignore"):  # NaN hits nothing, and has NaN as its tangent
                weights = hits / np.sum(hits, axis=place, keepdims=True, dtype=primal.dtype)
            return np.sum(tangents[0] * weights, axis=place, keepdims=keepdims)

        if np.iscomplexobj(x):
            raise TypeError(f"numpy.{function.__name__} has no complex derivative")
        out = push(lambda array: function(array, axis=place, keepdims=keepdims, **bounds), rule, (x,))
        return out if initial is None else joined(out, initial)

    return handle


def _tangents_at(tangent: Tensor, hits: Any, place: tuple[int, ...] | int, out: Tensor) -> Tensor:
    """Return the tangents at the one hit of each reduction, in the shape of the result."""
    places = np.atleast_1d(place).tolist()
    rest = [i for i in range(-hits.ndim, 0) if i not in places]
    shape, lengths = ([hits.shape[i] for i in axes] for axes in (rest, places))
    numbers = np.argmax(merge_axes(np.transpose(hits, rest + places), len(rest)), axis=-1)
    index = dict(zip(places, np.unravel_index(numbers, (1, *lengths))[1:], strict=True))  # there may be no places
    index |= zip(rest, np.indices(shape, sparse=True), strict=True)
    front = tangent.shape[: tangent.ndim - hits.ndim]
    result = tangent[(slice(None),) * len(front) + tuple(index[i] for i in range(-hits.ndim, 0))]
    return np.reshape(result, front + np.shape(out))


def _product(
    x: Tensor, axis: Axis = None, dtype: Any = None, *, keepdims: bool = False, initial: Any = None, where: Any = True
) -> Tensor:
    """Return a product. The tangent of each element is multiplied by all others, without a division by zeros."""
    x = _masked(where, as_dtype(x, dtype), 1)
    axes = np.atleast_1d(_reduced_axes(axis, x.ndim)).tolist()
    rest = [i for i in range(-x.ndim, 0) if i not in axes]
    shape = [1 if i in axes else x.shape[i] for i in range(-x.ndim, 0)]
    flat = merge_axes(np.transpose(x, rest + axes), len(rest))
    out = push(
        lambda primal: np.prod(primal, axis=-1),
        lambda tangents, out, primal: np.sum(tangents[0] * _products_of_others(primal), axis=-1),
        (flat,),
    )
    out = np.reshape(out, shape) if keepdims else out
    return out if initial is None else out * initial


def _products_of_others(x: Tensor) -> Tensor:
    """Return for each element along the last axis the product of all others."""
    item = np.ones((*x.shape[:-1], 1), x.dtype)
    before = np.cumprod(np.concatenate([item, x[..., :-1]], axis=-1), axis=-1)
    after = np.cumprod(np.concatenate([item, x[..., :0:-1]], axis=-1), axis=-1)[..., ::-1]
    return before * after


def _ptp(x: Tensor, axis: Axis = None, *, keepdims: bool = False) -> Tensor:
    return np.max(x, axis=axis, keepdims=keepdims) - np.min(x, axis=axis, keepdims=keepdims)


def _average(
    x: Tensor, axis: Axis = None, weights: Any = None, returned: bool = False, *, keepdims: bool = False
) -> Any:
    if weights is None:
        result = np.mean(x, axis=axis, keepdims=keepdims)
        scale = np.asarray(count_reduced(x, axis, keepdims, True), result.dtype)
    else:
        weights = _weights_of(weights, np.shape(x), axis)
        scale = np.sum(weights, axis=axis, keepdims=keepdims)
        if np.any(np.equal(scale, 0)):
            raise ZeroDivisionError("the weights add up to 0, so there is no average: take others, or np.sum")
        result = np.sum(x * weights, axis=axis, keepdims=keepdims) / scale
    return (result, np.broadcast_to(scale, np.shape(result))) if returned else result


def _weights_of(weights: Tensor, shape: tuple[int, ...], axis: Axis) -> Tensor:
    """Return the weights of every element, from those or from one for each place along the axes."""
    if np.shape(weights) != shape:
        if axis is None:
            raise TypeError(f"weights of shape {np.shape(weights)} for an array of shape {shape} need axis=")
        axes = np.atleast_1d(negative_axes(axis, len(shape)))
        if np.shape(weights) != (along := tuple(shape[i] for i in axes)):
            raise ValueError(f"weights of shape {np.shape(weights)} for axes of shape {along}: give one for each place")
        weights = np.transpose(weights, np.argsort(axes))
        weights = np.reshape(weights, [n if i in axes else 1 for i, n in enumerate(shape, -len(shape))])
    return np.broadcast_to(weights, shape)


LARGEST, SMALLEST = _extremum(np.max, np.maximum, -np.inf), _extremum(np.min, np.minimum, np.inf)

RULES: dict[Any, Handler] = {
    np.sum: _add_up,
    np.mean: _mean,
    np.var: _variance,
    np.std: _deviation,
    np.max: LARGEST,
    np.amax: LARGEST,
    np.min: SMALLEST,
    np.amin: SMALLEST,
    np.prod: _product,
    np.ptp: _ptp,
    np.average: _average,
}
