"""Rules of functions that choose among elements by place, by condition or by rank."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, folded, plain, push, spread
from dualtrain.core.dual.rules.combinators import Handler, as_array, axiswise, from_end, gathered, gathering
from dualtrain.core.dual.rules.indexing import plain_index
from dualtrain.core.dual.rules.reductions import counted
from dualtrain.core.dual.structured import UnitTangent, densified


def where(condition: Tensor, *choices: Tensor) -> Tensor:
    """np.where; the side that is not chosen never matters, even if its derivative is infinite."""
    condition = as_array(condition)
    mask = condition if condition.dtype.kind == "b" else np.not_equal(condition, 0)
    if not choices:
        return np.nonzero(mask)

    def rule(tangents: list[Tensor], out: Tensor, *primals: Tensor) -> Tensor:
        for side, t, x in zip((mask, np.logical_not(mask)), tangents, primals, strict=True):
            if isinstance(t, UnitTangent) and x.shape == out.shape and any(one is None for one in tangents):
                kept = np.moveaxis(np.broadcast_to(side, out.shape)[..., t.units], -1, 0)
                return UnitTangent(t.units, np.where(kept, t.values, 0))
        sides = [0 if t is None else whole(t, x, out) for t, x in zip(tangents, primals, strict=True)]
        return np.where(mask, *sides)

    return push(lambda *sides: np.where(mask, *sides), rule, choices, structured=True)


def whole(tangent: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """The tangent as an array, with the axes and the type of the result."""
    dense = densified(tangent, x)
    front = dense.shape[: dense.ndim - np.ndim(x)]
    dense = dense if dense.dtype == out.dtype else dense.astype(out.dtype)
    return np.broadcast_to(spread(dense, np.ndim(x), out.ndim), front + out.shape)


def clip_array(x: Tensor, *bounds: Any, **options: Any) -> Tensor:
    """Return np.clip of x, which is an array even if it comes as a number."""
    return clip(as_array(x), *bounds, **options)


def clip(x: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    """At a bound the derivative is split between x and the bound, as with `maximum`."""
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("clip takes its bounds as a_min and a_max or as min and max, not both ways")
    low, high = a_min if min is None else min, a_max if max is None else max
    raised = np.maximum(x, low) if low is not None else x if high is not None else np.positive(x)
    return raised if high is None else np.minimum(raised, high)


def take(x: Tensor, indices: Any, axis: int | None = None, mode: str = "raise") -> Tensor:
    return axiswise(np.take, 1, None, "ravel")(np.atleast_1d(x), plain_index(indices), axis, mode=mode)


def take_along_axis(x: Tensor, indices: Any, axis: int | None = -1) -> Tensor:
    indices = plain_index(indices)
    if axis is None:
        x, axis = np.ravel(x), 0
    place = from_end(axis, x.ndim)

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        front = tangents[0].ndim - primal.ndim
        return np.take_along_axis(tangents[0], np.reshape(indices, (1,) * front + np.shape(indices)), place)

    return push(lambda array: np.take_along_axis(array, indices, place), rule, (x,))


def sort(x: Tensor, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Tensor:
    if axis is None:
        x, axis = np.ravel(x), -1
    return np.take_along_axis(x, np.argsort(x, axis=axis, kind=kind, stable=stable), axis)


def partition(x: Tensor, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None) -> Tensor:
    if axis is None:
        x, axis = np.ravel(x), -1
    return np.take_along_axis(x, np.argpartition(x, kth, axis=axis), axis)


PICKING = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}  # methods that take one element


def quantile(
    x: Tensor, q: Any, axis: Any = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Between the two elements around a rank, which is the quantile of the ranks themselves by the same method."""
    if isinstance(q, Dual):
        raise TypeError("numpy.quantile takes a dual as its array, not as q: pass q.primal")
    axes = np.atleast_1d(from_end(axis, x.ndim)).tolist()
    rows = ranked(x, axes)
    rank = np.quantile(np.arange(rows.shape[-1], dtype=np.float64), q, method=method)  # type: ignore[call-overload]
    low = np.floor(rank).astype(int)
    high = np.minimum(low + 1, rows.shape[-1] - 1)
    part = np.asarray(rank - low, x.dtype if isinstance(q, int | float) else np.float64)
    between = rows[..., low] if method in PICKING else rows[..., low] * (1 - part) + rows[..., high] * part
    rest = range(rows.ndim - 1)
    found = np.moveaxis(between, rest, range(-len(rest), 0))
    return np.expand_dims(found, axes) if keepdims else found


def ranked(x: Tensor, axes: list[int]) -> Tensor:
    """The elements along these axes by rank, as one last axis; all NaN where one is."""
    rest = [i for i in range(-x.ndim, 0) if i not in axes]
    rows = np.sort(folded(np.transpose(x, rest + axes), len(rest)), axis=-1)
    last = rows[..., -1:]  # where NaN is
    return np.where(np.isnan(last), last, rows)


def percentile(x: Tensor, q: Any, *args: Any, **options: Any) -> Tensor:
    return quantile(x, np.true_divide(q, 100), *args, **options)


def median(x: Tensor, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Tensor:
    if not counted(x, axis, keepdims, True):
        return np.mean(x, axis=axis, keepdims=keepdims)  # NaN with NumPy's warning
    axes = np.atleast_1d(from_end(axis, x.ndim)).tolist()
    rows = ranked(x, axes)
    last = rows.shape[-1] // 2
    found = np.mean(rows[..., last - 1 + rows.shape[-1] % 2 : last + 1], axis=-1)
    return np.expand_dims(found, axes) if keepdims else found


def skipping_nan(function: Handler, x: Tensor, axis: Any) -> Tensor:
    """A function of a vector, of the numbers in each vector along the axis; NaN with a warning where there are none."""
    if isinstance(axis, tuple):
        x, axis = folded(np.moveaxis(x, axis, range(-len(axis), 0)), x.ndim - len(axis)), -1
    moved = np.ravel(x)[None] if axis is None else np.moveaxis(x, axis, -1)
    rows = folded(moved, 0, -1)
    parts = np.stack([function(numbers_of(row)) for row in rows])
    return parts[0] if axis is None else np.reshape(parts, moved.shape[:-1] + parts.shape[1:])


def numbers_of(row: Tensor) -> Tensor:
    known = ~np.isnan(row)
    if np.any(known):
        return row[known]
    warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
    return row


def nanquantile(x: Tensor, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    if not np.size(x):
        return np.nanmean(x, axis=axis, keepdims=keepdims)  # as NumPy does
    found = skipping_nan(lambda row: quantile(row, q, method=method), x, axis)
    behind = np.ndim(found) - np.ndim(q)
    found = np.moveaxis(found, range(behind, np.ndim(found)), range(np.ndim(q)))
    return np.expand_dims(found, np.atleast_1d(from_end(axis, x.ndim)).tolist()) if keepdims else found


def nanpercentile(x: Tensor, q: Any, axis: Any = None, **options: Any) -> Tensor:
    return nanquantile(x, np.true_divide(q, 100), axis, **options)


def nanmedian(x: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    if not x.size:
        return np.nanmean(x, axis=axis, keepdims=keepdims)  # as NumPy does
    found = skipping_nan(median, x, axis)
    return np.expand_dims(found, np.atleast_1d(from_end(axis, x.ndim)).tolist()) if keepdims else found


def select(conditions: Sequence[Any], choices: Sequence[Tensor], default: Any = 0) -> Tensor:
    np.select(plain(conditions), [False] * len(choices))  # whose errors are NumPy's
    found = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        found = np.where(condition, choice, found)
    return found


def choose(a: Any, choices: Sequence[Tensor], mode: Any = "raise") -> Tensor:
    which = plain_index(a)
    dtype = np.result_type(*(plain(choice) for choice in choices))
    arrays = [np.astype(as_array(choice), dtype, copy=False) for choice in choices]
    return gathered(lambda *numbers: np.choose(which, numbers, mode=mode), *arrays)


def unique(
    x: Tensor, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: None = None
) -> Any:
    """The values with the tangent of where each stands first."""
    if axis is not None:
        raise TypeError("numpy.unique of a dual takes axis=None")
    _, first, inverse, counts = np.unique(plain(x), True, True, True)
    extra = [
        part for part, wanted in ((first, return_index), (inverse, return_inverse), (counts, return_counts)) if wanted
    ]
    values = np.ravel(x)[first]
    return (values, *extra) if extra else values


def trim_zeros(filt: Tensor, trim: str = "fb", axis: Any = None) -> Tensor:
    """The box around all elements that are not 0, along all axes or some."""
    sides = trim.lower()
    if sides not in ("fb", "bf", "f", "b"):
        raise ValueError(f"trim_zeros trims 'f', the front, 'b', the back, or 'fb', not {trim!r}")
    if np.ndim(filt) == 0:
        return filt
    places = np.argwhere(filt)
    box = [slice(0, 0)] * filt.ndim
    if len(places):
        ends = zip(places.min(axis=0), places.max(axis=0) + 1, strict=True)
        box = [slice(start if "f" in sides else None, stop if "b" in sides else None) for start, stop in ends]
    axes = np.atleast_1d(from_end(axis, filt.ndim))
    return filt[tuple(cut if i in axes else slice(None) for i, cut in enumerate(box, -filt.ndim))]


def compress(condition: Any, x: Tensor, axis: int | None = None) -> Tensor:
    return np.take(np.atleast_1d(x), np.compress(condition, np.arange(np.size(condition))), axis=axis)


def extract(condition: Any, x: Tensor) -> Tensor:
    return np.ravel(x)[np.flatnonzero(condition)]


UFUNCS: dict[Any, Handler] = {np._core.umath.clip: clip}  # type: ignore[attr-defined]  # the ufunc below np.clip
RULES: dict[Any, Handler] = {
    np.where: where,
    np.clip: clip_array,
    np.take: take,
    np.take_along_axis: take_along_axis,
    np.sort: sort,
    np.partition: partition,
    np.quantile: quantile,
    np.percentile: percentile,
    np.median: median,
    np.nanquantile: nanquantile,
    np.nanpercentile: nanpercentile,
    np.nanmedian: nanmedian,
    np.select: select,
    np.choose: choose,
    np.unique: unique,
    np.unique_values: unique,
    np.trim_zeros: trim_zeros,
    np.compress: compress,
    np.extract: extract,
    np.delete: gathering(np.delete),
}
