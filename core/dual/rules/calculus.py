"""Rules of differences, integrals, signals, statistics and complex parts."""

from functools import partial
from math import factorial, pi
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
from dualtrain.core.dual.rules.combinators import Handler, as_array, linear, negative_axes


def _diff(x: Tensor, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Tensor:
    x = as_array(x)
    if n < 0:
        raise ValueError(f"diff takes differences of order 0 or more, not {n}")
    if n == 0:
        return x
    parts = [_edge(prepend, x, axis), x, _edge(append, x, axis)]
    x = np.moveaxis(np.concatenate([part for part in parts if part is not None], axis=axis), axis, -1)
    for _ in range(n):
        x = x[..., 1:] - x[..., :-1]
    return np.moveaxis(x, -1, axis)


def _edge(values: Any, x: Tensor, axis: int) -> Tensor | None:
    """Return what is put before or after x along the axis; a number fills one place."""
    if values is None or np.ndim(values):
        return values
    return np.broadcast_to(
        values, [1 if i == negative_axes(axis, x.ndim) else n for i, n in enumerate(x.shape, -x.ndim)]
    )


def _ediff1d(x: Tensor, to_end: Any = None, to_begin: Any = None) -> Tensor:
    x = as_array(x)
    np.ediff1d(np.empty(0, x.dtype), plain(to_end), plain(to_begin))  # whose errors are NumPy's
    parts = [as_array(part) for part in (to_begin, _diff(np.ravel(x)), to_end) if part is not None]
    return np.concatenate([np.ravel(part) for part in parts], dtype=x.dtype)


def _trapezoid(y: Tensor, x: Any = None, dx: float = 1.0, axis: int = -1) -> Tensor:
    y = np.moveaxis(y, axis, -1)
    if x is not None:
        dx = np.diff(x) if np.ndim(x) == 1 else np.diff(np.moveaxis(x, axis, -1))
    return np.sum(dx * (y[..., 1:] + y[..., :-1]) / 2, axis=-1)


def _slopes(x: Tensor, *spacing: Any, axis: Any = None, edge_order: int = 1) -> Any:
    """Return np.gradient, which is linear in x; the spacing is plain."""
    if any(isinstance(step, Dual) for step in spacing):
        raise TypeError("numpy.gradient takes duals as its array only, not as its spacing")
    axes = range(-x.ndim, 0) if axis is None else np.atleast_1d(negative_axes(axis, x.ndim)).tolist()
    if not spacing or (len(spacing) == 1 and np.ndim(spacing[0]) == 0):
        spacing = (spacing or (1.0,)) * len(axes)
    if len(spacing) != len(axes):
        raise TypeError(f"numpy.gradient takes a number, or a spacing for each of {len(axes)} axes, not {len(spacing)}")
    result = [
        _along(partial(np.gradient, axis=i, edge_order=edge_order), x, step)
        for i, step in zip(axes, spacing, strict=True)
    ]
    return result[0] if len(result) == 1 else tuple(result)


def _along(function: Handler, x: Tensor, *args: Any) -> Tensor:
    """Return a linear function that treats direction axes as it treats the others."""
    return push(
        lambda primal: function(primal, *args), lambda tangents, out, primal: function(tangents[0], *args), (x,)
    )


def _interp(x: Tensor, xp: Tensor, fp: Tensor, left: Any = None, right: Any = None, period: Any = None) -> Tensor:
    """Interpolate linearly: the slope of the piece to the right of a node, 0 outside."""
    if period is not None:
        raise TypeError("numpy.interp of a dual takes no period: use np.remainder before it")
    np.interp((), plain(xp), plain(fp))  # whose errors are NumPy's
    i = np.clip(np.searchsorted(plain(xp), plain(x), side="right") - 1, 0, np.size(xp) - 2)
    xp, fp = as_array(xp), as_array(fp)
    inside = _between(x, xp[i], xp[i + 1], fp[i], fp[i + 1]) if np.size(xp) > 1 else fp[0]
    after = np.where(np.greater(x, xp[-1]), fp[-1] if right is None else right, inside)
    result = np.where(np.less(x, xp[0]), fp[0] if left is None else left, after)
    return np.astype(result, np.result_type(result, np.float64))[()]


def _between(x: Tensor, left: Tensor, right: Tensor, low: Tensor, high: Tensor) -> Tensor:
    """Return points on the line from `(left, low)` to `(right, high)`; `high` where the last node stands twice."""
    width, twice = right - left, np.equal(right, left)
    return np.where(twice, high, low + (x - left) / np.where(twice, 1, width) * (high - low))


def _sinc(x: Tensor) -> Tensor:
    """Return sin(πx)/(πx), near 0 by its series, so that all its derivatives are right there too."""
    y = pi * x
    near = np.less(np.abs(plain(y)), 0.5)
    square, series = np.where(near, y * y, 0), 0.0
    for k in range(9, -1, -1):
        series = series * square + (-1) ** k / factorial(2 * k + 1)
    far = np.where(near, 1, y)
    return np.where(near, series, np.sin(far) / far)[()]


def _unwrap(x: Tensor, discont: Any = None, axis: int = -1, *, period: float = 2 * pi) -> Tensor:
    """Return the multiples of the period that are added do not change with x."""
    value = plain(x)
    return x + (np.unwrap(value, discont, axis, period=period) - value)


def _nan_to_num(x: Tensor, copy: bool = True, nan: float = 0.0, posinf: Any = None, neginf: Any = None) -> Tensor:
    """Replace NaN and infinities by constants, of a complex number one part or both."""
    if not copy:
        np.copyto(x, _nan_to_num(x, True, nan, posinf, neginf))
        return x if np.ndim(x) else x[()]
    if np.iscomplexobj(x):
        real, imaginary = (_nan_to_num(part, True, nan, posinf, neginf) for part in (np.real(x), np.imag(x)))
        return real + 1j * imaginary
    value = plain(x)
    return np.where(np.isfinite(value), x, np.nan_to_num(value, nan=nan, posinf=posinf, neginf=neginf))[()]


def _angle(z: Tensor, deg: bool = False) -> Tensor:
    result = np.arctan2(np.imag(z), np.real(z))
    return result * (180 / pi) if deg else result


def _real_part(z: Tensor) -> Tensor:
    return _along(np.real, z)


def _imaginary_part(z: Tensor) -> Tensor:
    return _along(np.imag, z)


def _real_if_close(z: Tensor, tol: float = 100) -> Tensor:
    close = np.isrealobj(np.real_if_close(plain(z), tol))

    def apply(array: Tensor) -> Tensor:
        if isinstance(array, Dual):
            return _real_if_close(array, tol)
        array = np.asarray(array)
        return array.real if close else array

    return push(apply, lambda tangents, *_: np.real(tangents[0]) if close else tangents[0], (z,))


def _cov(
    m: Tensor, y: Any = None, rowvar: bool = True, bias: bool = False, ddof: int | None = None, **options: Any
) -> Tensor:
    if options:
        raise TypeError(f"numpy.cov of a dual takes no {sorted(options)}")
    for item in (m, y):
        if np.ndim(item) > 2:
            raise ValueError(f"cov takes vectors and matrices, not {np.ndim(item)} dimensions")
    data = as_array(m)
    m = data.astype(np.result_type(data, np.float64))
    m = np.atleast_2d(m) if rowvar or np.ndim(m) == 1 else np.transpose(m)
    if y is not None:
        m = np.concatenate([m, np.atleast_2d(y) if rowvar or np.ndim(y) == 1 else np.transpose(y)])
    rest = m - np.mean(m, axis=1, keepdims=True)
    if ddof is not None and ddof != int(ddof):
        raise ValueError(f"cov takes an integer as its ddof, not {ddof}")
    free = max(m.shape[1] - (ddof if ddof is not None else 0 if bias else 1), 0.0)
    return np.squeeze(rest @ np.conjugate(np.transpose(rest)) / free)


def _corrcoef(x: Tensor, y: Any = None, rowvar: bool = True) -> Tensor:
    c = _cov(x, y, rowvar)
    if np.ndim(c) == 0:
        return c / c
    d = np.sqrt(np.diagonal(c))
    return c / d[:, None] / d[None, :]


def _bincount(x: Any, weights: Tensor = None, minlength: int = 0) -> Tensor:
    if isinstance(x, Dual):
        raise TypeError("numpy.bincount counts integers; duals can only be its weights")
    return linear(lambda w: np.bincount(x, w, minlength))(weights)


def _piecewise(x: Tensor, conditions: Any, functions: Any, *args: Any, **options: Any) -> Tensor:
    """Apply each function to the elements where its condition holds."""
    if np.isscalar(conditions) or (not isinstance(conditions[0], list | np.ndarray) and np.ndim(x)):
        conditions = [conditions]  # a single one
    masks = [np.asarray(condition, bool) for condition in conditions]
    if len(functions) == len(masks) + 1:
        masks.append(~np.any(masks, axis=0))
    if len(functions) != len(masks):
        n = len(masks)
        raise ValueError(f"with {n} condition(s), either {n} or {n + 1} functions are expected")
    out = np.zeros_like(x)
    for mask, function in zip(masks, functions, strict=True):
        if not callable(function):
            out[mask] = function
        elif np.any(mask):
            out[mask] = function(x[mask], *args, **options)
    return out


def _apply_along_axis(function: Handler, axis: int, x: Tensor, *args: Any, **options: Any) -> Tensor:
    rows = np.moveaxis(x, axis, -1)
    result = [function(row, *args, **options) for row in merge_axes(rows, 0, -1)]
    out = np.stack([np.reshape(item, np.shape(item)) for item in result])
    shaped = np.reshape(out, rows.shape[:-1] + out.shape[1:])
    inner = out.ndim - 1
    return np.moveaxis(shaped, range(-inner, 0), range(axis % x.ndim, axis % x.ndim + inner)) if inner else shaped


def _conjugate(z: Tensor) -> Tensor:
    """Return the conjugate, which is linear: its tangent is the conjugate of the tangent."""
    return _along(np.conjugate, z)


def _sign(z: Tensor) -> Tensor:
    """Return the sign, constant between jumps; that of a complex number, z/|z|, turns with it."""
    if np.iscomplexobj(z):
        raise TypeError("sign has no complex derivative: take np.real and np.imag of its argument")
    return np.sign(plain(z))


UFUNCS: dict[Any, Handler] = {np.conjugate: _conjugate, np.sign: _sign}
RULES: dict[Any, Handler] = {
    np.diff: _diff,
    np.ediff1d: _ediff1d,
    np.trapezoid: _trapezoid,
    np.gradient: _slopes,
    np.interp: _interp,
    np.sinc: _sinc,
    np.unwrap: _unwrap,
    np.nan_to_num: _nan_to_num,
    np.angle: _angle,
    np.real: _real_part,
    np.imag: _imaginary_part,
    np.real_if_close: _real_if_close,
    np.cov: _cov,
    np.corrcoef: _corrcoef,
    np.bincount: _bincount,
    np.piecewise: _piecewise,
    np.apply_along_axis: _apply_along_axis,
}
