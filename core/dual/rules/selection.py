"""Rules of functions that choose among elements by place, by condition or by rank."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    insert_axes,
    merge_axes,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    plain,
    push,
)
from dualtrain.core.dual.rules.combinators import (
    Handler,
    as_array,
    axiswise,
    gathered,
    gathering,
    in_layout,
    in_numpys_layout,
    negative_axes,
)
from dualtrain.core.dual.rules.indexing import plain_index
from dualtrain.core.dual.rules.reductions import count_reduced
from dualtrain.core.dual.structured import UnitTangent, to_dense


def _where(condition: Tensor, *choices: Tensor) -> Tensor:
    """Return np.where; the side that is not chosen never matters, even if its derivative is infinite."""
    condition = as_array(condition)
    mask = condition if condition.dtype.kind == "b" else np.not_equal(condition, 0)
    if not choices:
        return np.nonzero(mask)

    def rule(tangents: list[Tensor], out: Tensor, *primals: Tensor) -> Tensor:
        for side, t, x in zip((mask, np.logical_not(mask)), tangents, primals, strict=True):
            if isinstance(t, UnitTangent) and x.shape == out.shape and any(item is None for item in tangents):
                selected = np.moveaxis(np.broadcast_to(side, out.shape)[..., t.units], -1, 0)
                return UnitTangent(t.units, np.where(selected, t.values, 0))
        sides = [0 if t is None else _dense_tangent(t, x, out) for t, x in zip(tangents, primals, strict=True)]
        return np.where(mask, *sides)

    return push(lambda *sides: np.where(mask, *sides), rule, choices, structured=True)


def _dense_tangent(tangent: Tensor, x: Tensor, out: Tensor) -> Tensor:
    """Return the tangent as an array, with the axes and the type of the result."""
    dense = to_dense(tangent, x)
    front = dense.shape[: dense.ndim - np.ndim(x)]
    dense = dense if dense.dtype == out.dtype else dense.astype(out.dtype)
    return np.broadcast_to(insert_axes(dense, np.ndim(x), out.ndim), front + out.shape)


def _clip_array(x: Tensor, *bounds: Any, **options: Any) -> Tensor:
    """Return np.clip of x, which is an array even if it comes as a number."""
    return _clip(as_array(x), *bounds, **options)


def _clip(x: Tensor, a_min: Any = None, a_max: Any = None, *, min: Any = None, max: Any = None) -> Tensor:
    """Clip x. At a bound the derivative is split between x and the bound, as with `maximum`."""
    if (a_min is not None or a_max is not None) and (min is not None or max is not None):
        raise ValueError("clip takes its bounds as a_min and a_max or as min and max, not both ways")
    low, high = a_min if min is None else min, a_max if max is None else max
    raised = np.maximum(x, low) if low is not None else x if high is not None else np.positive(x)
    return raised if high is None else np.minimum(raised, high)


def _take(x: Tensor, indices: Any, axis: int | None = None, mode: str = "raise") -> Tensor:
    return axiswise(np.take, 1, None, "ravel")(np.atleast_1d(x), plain_index(indices), axis, mode=mode)


def _take_along_axis(x: Tensor, indices: Any, axis: int | None = -1) -> Tensor:
    indices = plain_index(indices)
    if axis is None:
        x, axis = np.ravel(x), 0
    place = negative_axes(axis, x.ndim)

    def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
        front = tangents[0].ndim - primal.ndim
        return np.take_along_axis(tangents[0], np.reshape(indices, (1,) * front + np.shape(indices)), place)

    return push(lambda array: np.take_along_axis(array, indices, place), rule, (x,))


def _sort(x: Tensor, axis: int | None = -1, kind: Any = None, order: None = None, *, stable: Any = None) -> Tensor:
    if axis is None:
        x, axis = np.ravel(x), -1
    return in_layout(np.take_along_axis(x, np.argsort(x, axis=axis, kind=kind, stable=stable), axis), x)


def _partition(x: Tensor, kth: Any, axis: int | None = -1, kind: str = "introselect", order: None = None) -> Tensor:
    if axis is None:
        x, axis = np.ravel(x), -1
    return in_layout(np.take_along_axis(x, np.argpartition(x, kth, axis=axis), axis), x)


_PICKING = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}  # methods that take one element


def _quantile(
    x: Tensor, q: Any, axis: Any = None, overwrite_input: bool = False, method: str = "linear", keepdims: bool = False
) -> Tensor:
    """Interpolate between the two elements around the quantile of their ranks by the same method."""
    if isinstance(q, Dual):
        raise TypeError("numpy.quantile takes a dual as its array, not as q: pass q.primal")
    axes = np.atleast_1d(negative_axes(axis, x.ndim)).tolist()
    rows = _sorted_rows(x, axes)
    rank = np.quantile(np.arange(rows.shape[-1], dtype=np.float64), q, method=method)  # type: ignore[call-overload]
    low = np.floor(rank).astype(int)
    high = np.minimum(low + 1, rows.shape[-1] - 1)
    part = np.asarray(rank - low, x.dtype if isinstance(q, int | float) else np.float64)
    between = rows[..., low] if method in _PICKING else rows[..., low] * (1 - part) + rows[..., high] * part
    rest = range(rows.ndim - 1)
    result = np.moveaxis(between, rest, range(-len(rest), 0))
    return np.expand_dims(result, axes) if keepdims else result


def _sorted_rows(x: Tensor, axes: list[int]) -> Tensor:
    """Return the elements along these axes by rank, as one last axis; all NaN where one is."""
    rest = [i for i in range(-x.ndim, 0) if i not in axes]
    rows = np.sort(merge_axes(np.transpose(x, rest + axes), len(rest)), axis=-1)
    last = rows[..., -1:]  # where NaN is
    return np.where(np.isnan(last), last, rows)


def _percentile(x: Tensor, q: Any, *args: Any, **options: Any) -> Tensor:
    return _quantile(x, np.true_divide(q, 100), *args, **options)


def _median(x: Tensor, axis: Any = None, overwrite_input: bool = False, keepdims: bool = False) -> Tensor:
    if not count_reduced(x, axis, keepdims, True):
        return np.mean(x, axis=axis, keepdims=keepdims)  # NaN with NumPy's warning
    axes = np.atleast_1d(negative_axes(axis, x.ndim)).tolist()
    rows = _sorted_rows(x, axes)
    last = rows.shape[-1] // 2
    result = np.mean(rows[..., last - 1 + rows.shape[-1] % 2 : last + 1], axis=-1)
    return np.expand_dims(result, axes) if keepdims else result


def _skipping_nan(function: Handler, x: Tensor, axis: Any) -> Tensor:
    """Apply a function to the numbers in each vector along the axis; NaN with a warning where there are none."""
    if isinstance(axis, tuple):
        x, axis = merge_axes(np.moveaxis(x, axis, range(-len(axis), 0)), x.ndim - len(axis)), -1
    moved = np.ravel(x)[None] if axis is None else np.moveaxis(x, axis, -1)
    rows = merge_axes(moved, 0, -1)
    parts = np.stack([function(_numbers_of(row)) for row in rows])
    return parts[0] if axis is None else np.reshape(parts, moved.shape[:-1] + parts.shape[1:])


def _numbers_of(row: Tensor) -> Tensor:
    known = ~np.isnan(row)
    if np.any(known):
        return row[known]
    warnings.warn("All-NaN slice encountered", RuntimeWarning, stacklevel=2)
    return row


def _nanquantile(x: Tensor, q: Any, axis: Any = None, *, method: str = "linear", keepdims: bool = False) -> Tensor:
    if not np.size(x):
        return np.nanmean(x, axis=axis, keepdims=keepdims)  # as NumPy does
    result = _skipping_nan(lambda row: _quantile(row, q, method=method), x, axis)
    behind = np.ndim(result) - np.ndim(q)
    result = np.moveaxis(result, range(behind, np.ndim(result)), range(np.ndim(q)))
    return np.expand_dims(result, np.atleast_1d(negative_axes(axis, x.ndim)).tolist()) if keepdims else result


def _nanpercentile(x: Tensor, q: Any, axis: Any = None, **options: Any) -> Tensor:
    return _nanquantile(x, np.true_divide(q, 100), axis, **options)


def _nanmedian(x: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    if not x.size:
        return np.nanmean(x, axis=axis, keepdims=keepdims)  # as NumPy does
    result = _skipping_nan(_median, x, axis)
    return np.expand_dims(result, np.atleast_1d(negative_axes(axis, x.ndim)).tolist()) if keepdims else result


def _select(conditions: Sequence[Any], choices: Sequence[Tensor], default: Any = 0) -> Tensor:
    np.select(plain(conditions), [False] * len(choices))  # whose errors are NumPy's
    result = default
    for condition, choice in zip(reversed(conditions), reversed(choices), strict=True):
        result = np.where(condition, choice, result)
    return result


def _choose(a: Any, choices: Sequence[Tensor], mode: Any = "raise") -> Tensor:
    which = plain_index(a)
    dtype = np.result_type(*(plain(choice) for choice in choices))
    arrays = [np.astype(as_array(choice), dtype, copy=False) for choice in choices]
    return gathered(lambda *numbers: np.choose(which, numbers, mode=mode), *arrays)


def _unique(
    x: Tensor, return_index: bool = False, return_inverse: bool = False, return_counts: bool = False, axis: None = None
) -> Any:
    """Return the values with the tangent of where each stands first."""
    if axis is not None:
        raise TypeError("numpy.unique of a dual takes axis=None")
    _, first, inverse, counts = np.unique(plain(x), True, True, True)
    extra = [
        part
        for part, requested in ((first, return_index), (inverse, return_inverse), (counts, return_counts))
        if requested
    ]
    values = np.ravel(x)[first]
    return (values, *extra) if extra else values


def _trim_zeros(filt: Tensor, trim: str = "fb", axis: Any = None) -> Tensor:
    """Return the box around all elements that are not 0, along all axes or some."""
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
    axes = np.atleast_1d(negative_axes(axis, filt.ndim))
    return filt[tuple(cut if i in axes else slice(None) for i, cut in enumerate(box, -filt.ndim))]


def _compress(condition: Any, x: Tensor, axis: int | None = None) -> Tensor:
    return np.take(np.atleast_1d(x), np.compress(condition, np.arange(np.size(condition))), axis=axis)


def _extract(condition: Any, x: Tensor) -> Tensor:
    return np.ravel(x)[np.flatnonzero(condition)]


UFUNCS: dict[Any, Handler] = {np._core.umath.clip: _clip}  # type: ignore[attr-defined]  # the ufunc below np.clip
RULES: dict[Any, Handler] = {
    np.where: _where,
    np.clip: _clip_array,
    np.take: _take,
    np.take_along_axis: _take_along_axis,
    np.sort: _sort,
    np.partition: _partition,
    np.quantile: in_numpys_layout(np.quantile, _quantile),
    np.percentile: in_numpys_layout(np.percentile, _percentile),
    np.median: in_numpys_layout(np.median, _median),
    np.nanquantile: _nanquantile,
    np.nanpercentile: _nanpercentile,
    np.nanmedian: _nanmedian,
    np.select: _select,
    np.choose: _choose,
    np.unique: _unique,
    np.unique_values: _unique,
    np.trim_zeros: _trim_zeros,
    np.compress: _compress,
    np.extract: _extract,
    np.delete: gathering(np.delete),
}
