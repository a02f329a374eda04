"""Arithmetic of truncated Taylor series: products, quotients, and functions of each element by their partials."""

from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np

from dualtrain.core.dual.dispatch import special_rule
from dualtrain.core.dual.engine import Dual, Tensor, plain
from dualtrain.core.dual.rules import ELEMENTWISE
from dualtrain.core.dual.structured import Structure
from dualtrain.core.dual.tensor import DualTensor

_Coefficients = list[Any]  # of order 0 first; None for those that are 0


def _is_series(x: Any) -> bool:
    return isinstance(x, DualTensor) and x.rank > 1


def _series(x: Any, level: int) -> _Coefficients:
    """Return the coefficients of an operand; a constant has one."""
    if not isinstance(x, Dual) or x.level != level:
        return [x]
    tangent = x.tangent if isinstance(x.stored_tangent, Structure) else x.stored_tangent
    return [x.primal, *tangent]


def _tensor(like: DualTensor, terms: _Coefficients, order: int) -> DualTensor:
    shape = np.shape(terms[0])
    zeros = np.zeros(shape, np.asarray(plain(terms[0])).dtype)
    rest = [zeros if t is None else np.broadcast_to(t, shape) for t in (terms[1:] + [None] * order)[:order]]
    return like.like(terms[0], np.stack(rest))


def _top(inputs: Any) -> tuple[DualTensor, int]:
    tops = [x for x in inputs if _is_series(x)]
    top = max(tops, key=lambda x: x.level)
    return top, max(len(x.stored_tangent) for x in tops if x.level == top.level and np.ndim(x.stored_tangent))


def _sum_of_products(function: Any, a: _Coefficients, b: _Coefficients, k: int, start: int = 0) -> Any:
    """Return Σ_j function(a_j, b_(k-j)) over j from start to k; None if there is no term."""
    total = None
    for j in range(start, min(k, len(a) - 1) + 1):
        if k - j < len(b) and a[j] is not None and b[k - j] is not None:
            term = function(a[j], b[k - j])
            total = term if total is None else total + term
    return total


def apply_ufunc(ufunc: Any, inputs: Any) -> Any:
    """Return a ufunc of series."""
    if len(inputs) == 2 and ufunc in (np.power, np.float_power) and isinstance(inputs[1], int) and inputs[1] >= 0:
        power = _integer_power(inputs[0], inputs[1])
        return power.like(ufunc(inputs[0].primal, inputs[1]), power.stored_tangent)
    if ufunc is np.square:
        return np.multiply(inputs[0], inputs[0])
    top, order = _top(inputs)
    series = [_series(np.asarray(x) if isinstance(x, list) else x, top.level) for x in inputs]
    if ufunc in (np.multiply, np.matmul):
        return _tensor(top, [_sum_of_products(ufunc, series[0], series[1], k) for k in range(order + 1)], order)
    rule = ELEMENTWISE.get(ufunc)
    if rule is None:
        rule = special_rule(ufunc)
    if rule is None or callable(rule):
        raise TypeError(f"taylor has no rule for {ufunc.__name__}: nest derivatives instead")
    if all(isinstance(partial, int) for partial in rule.partials):
        return _tensor(top, _linear_terms(ufunc, rule.partials, series, order), order)
    if ufunc is np.divide:
        return _tensor(top, _quotient(series[0], series[1], order), order)
    return _tensor(top, _by_partials(ufunc, rule.partials, inputs, series, top, order), order)


def _linear_terms(ufunc: Any, partials: Any, series: Any, order: int) -> _Coefficients:
    terms = [ufunc(*(part[0] for part in series))]
    for k in range(1, order + 1):
        parts = [p * part[k] for p, part in zip(partials, series, strict=True) if k < len(part)]
        terms.append(sum(parts[1:], start=parts[0]) if parts else None)
    return terms


def _quotient(a: _Coefficients, b: _Coefficients, order: int) -> _Coefficients:
    terms = [np.divide(a[0], b[0])]
    for k in range(1, order + 1):
        below = _sum_of_products(np.multiply, b, terms, k, start=1)
        above = a[k] if k < len(a) else None
        if below is None:
            terms.append(None if above is None else above / b[0])
        else:
            terms.append(((0 if above is None else above) - below) / b[0])
    return terms


class _Unknown:
    """A result that is not known yet: a partial derivative that uses it raises TypeError."""

    def __array_ufunc__(self, *args: Any, **options: Any) -> Any:
        raise TypeError("the result is not known yet")

    def __getattr__(self, name: str) -> Any:
        raise TypeError("the result is not known yet")


def _by_partials(ufunc: Any, partials: Any, inputs: Any, series: Any, top: DualTensor, order: int) -> _Coefficients:
    terms = [ufunc(*(part[0] for part in series))]
    moving = [i for i, part in enumerate(series) if len(part) > 1 and partials[i] != 0]
    slopes: dict[int, _Coefficients] = {}
    pending = []
    for i in moving:
        cut = [_cut(x, top.level, order - 1) for x in inputs]
        try:
            slopes[i] = _slope(partials[i], _Unknown(), cut, top.level)
        except TypeError:
            pending.append(i)
    for k in range(1, order + 1):
        cut = [_cut(x, top.level, k - 1) for x in inputs]
        out = terms[0] if k == 1 else _tensor(top, terms, k - 1)
        for i in pending:
            slopes[i] = _slope(partials[i], out, cut, top.level)
        total = None
        for i in moving:
            weighted = [None if x is None else j * x for j, x in enumerate(series[i])]
            weighted[0] = None
            term = _sum_of_products(np.multiply, weighted, slopes[i], k)
            total = term if total is None else total if term is None else total + term
        terms.append(None if total is None else total / k)
    return terms


def _slope(partial: Any, out: Any, inputs: Any, level: int) -> _Coefficients:
    if isinstance(partial, int):
        return [partial]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        slope = partial(out, *inputs)
    if isinstance(slope, _Unknown):
        raise TypeError("the slope is the result, which is not known yet")
    return _series(slope, level)


def _cut(x: Any, level: int, order: int) -> Any:
    """Return a series up to an order."""
    if not _is_series(x) or x.level != level:
        return x
    return x.primal if order == 0 else x.like(x.primal, x.stored_tangent[:order])


def _integer_power(x: Any, n: int) -> Any:
    if n == 0:
        return np.multiply(x, 0) + 1
    half = _integer_power(x, n // 2) if n > 1 else None
    if half is None:
        return x
    square = np.multiply(half, half)
    return np.multiply(square, x) if n % 2 else square


def _dot(a: Tensor, b: Tensor) -> Tensor:
    if np.ndim(a) == 0 or np.ndim(b) == 0:
        return np.multiply(a, b)
    return np.tensordot(a, b, (-1, -2)) if np.ndim(b) > 2 else np.matmul(a, b)


def _variance(x: Tensor, axis: Any = None, *, ddof: float = 0, keepdims: bool = False) -> Tensor:
    rest = x - np.mean(x, axis=axis, keepdims=True)
    count = np.size(x) / np.size(np.sum(plain(x), axis=axis))
    return np.sum(rest * rest, axis=axis, keepdims=keepdims) / (count - ddof)


def _product(x: Tensor, axis: Any = None, *, keepdims: bool = False) -> Tensor:
    moved = np.ravel(x) if axis is None else np.moveaxis(x, axis, 0)
    total = moved[0]
    for factor in moved[1:]:
        total = total * factor
    if not keepdims:
        return total
    return np.reshape(total, (1,) * np.ndim(x)) if axis is None else np.expand_dims(total, axis)


def _solve(a: Tensor, b: Tensor) -> Tensor:
    """Return x with a·x = b: a_0·x_k = b_k - Σ_j a_j·x_(k-j)."""
    top, order = _top((a, b))
    left, right = _series(a, top.level), _series(b, top.level)
    terms = [np.linalg.solve(left[0], right[0])]
    for k in range(1, order + 1):
        known = _sum_of_products(np.matmul, left, terms, k, start=1)
        rest = right[k] if k < len(right) else np.zeros_like(right[0])
        terms.append(np.linalg.solve(left[0], rest if known is None else rest - known))
    return _tensor(top, terms, order)


def _inverse(a: Tensor) -> Tensor:
    return _solve(a, np.eye(np.shape(a)[-1]))


def _einsum(subscripts: str, *operands: Tensor, **options: Any) -> Tensor:
    """Return the sum over all ways to share an order among the operands."""
    top, order = _top(operands)
    series = [_series(x, top.level) for x in operands]
    terms: _Coefficients = [None] * (order + 1)
    for places in product(*(range(len(part)) for part in series)):
        if sum(places) <= order:
            parts = [part[i] for part, i in zip(series, places, strict=True)]
            term = np.einsum(subscripts, *parts)
            known = terms[sum(places)]
            terms[sum(places)] = term if known is None else known + term
    return _tensor(top, terms, order)


NONLINEAR: dict[Any, Callable[..., Any]] = {
    np.dot: _dot,
    np.var: _variance,
    np.std: lambda x, *args, **options: np.sqrt(_variance(x, *args, **options)),
    np.prod: _product,
    np.linalg.solve: _solve,
    np.linalg.inv: _inverse,
    np.einsum: _einsum,
}
