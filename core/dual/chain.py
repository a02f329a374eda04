"""The chain rule of functions that act on each element: `Σ partial · tangent`, for every kind of tangent."""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import replace
from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    broadcast_directions,
    insert_axes,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    leading,
    tangent_of,
)
from dualtrain.core.dual.rules.elementwise import RULES, Elementwise, Partial
from dualtrain.core.dual.squares import at_zeros, remember_origin
from dualtrain.core.dual.structured import OuterTangent, ScaledTangent, Structure, UnitTangent, scale_tangent, to_dense

_NUMBERS = (float, int)
_DENSE = {np.ndarray, np.float64, np.float32}
_ROOTS_AND_POWERS = {np.sqrt, np.absolute, np.fabs, np.hypot, np.square, np.power, np.multiply}
_QUIET: Any = dict.fromkeys(("divide", "invalid", "over"), "ignore")


def fast_path(ufunc: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Tensor | None:
    """Return a result by a short path, which matters to small arrays; None if it does not apply.

    They are one dual, a dual and a number, and two duals of one level and shape, with dense tangents of plain arrays.
    """
    rule = RULES.get(ufunc)
    if rule is None:
        return None
    if len(inputs) == 1:
        return _fast_unary(ufunc, rule, inputs[0])
    first, second = inputs
    if type(first) in _NUMBERS:
        first = second
    elif type(second) not in _NUMBERS and not _same_directions(first, second):
        return None
    if not _has_dense_floats(first):
        return None
    primals = [x.primal if isinstance(x, Dual) else x for x in inputs]
    tangents = [x.stored_tangent if isinstance(x, Dual) else None for x in inputs]
    out = ufunc(*primals)
    tangent = _summed(rule, tangents, out, primals)
    if tangent is None:
        return out
    return _at_zeros(first.like(out, tangent), ufunc, inputs)


def _fast_unary(ufunc: Callable[..., Any], rule: Elementwise, x: Tensor) -> Tensor | None:
    if not _has_dense_floats(x):
        return None
    primal = x.primal
    out = ufunc(primal)
    tangent = _fit_to_result(_product(rule.partials[0], rule.singular, x.stored_tangent, out, [primal]), out)
    return _at_zeros(x.like(out, tangent), ufunc, (x,))


def _at_zeros(result: Any, ufunc: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Any:
    """Return a result whose second derivatives at zeros are right, if it has some: where a dual is in it."""
    if not isinstance(result.primal, Dual) or ufunc not in _ROOTS_AND_POWERS:
        return result
    return remember_origin(at_zeros(result, ufunc, inputs), ufunc, inputs)


def _has_dense_floats(x: Tensor) -> bool:
    """Return whether x is a dual of real floats with a dense tangent, and not one to be scaled."""
    return (
        isinstance(x, Dual)
        and type(x.stored_tangent) in _DENSE
        and x.primal.dtype.kind == "f"
        and (x.stored_tangent.ndim == x.primal.ndim or x.stored_tangent.flags.writeable)
    )


def _same_directions(x: Tensor, y: Tensor) -> bool:
    """Return whether two duals need no alignment."""
    if type(x) is not type(y) or x.level != y.level or x.primal.dtype is not y.primal.dtype:
        return False
    first, second = x.stored_tangent, y.stored_tangent
    if type(first) not in _DENSE or type(second) not in _DENSE:
        return False
    if x.primal.shape == y.primal.shape:
        return bool(first.shape == second.shape)
    return bool(first.ndim == x.primal.ndim and second.ndim == y.primal.ndim)  # one direction broadcasts as values do


def elementwise(ufunc: Callable[..., Any], rule: Elementwise, inputs: tuple[Tensor, ...]) -> Tensor:
    """Apply a ufunc to inputs among which may be duals."""
    top = leading(inputs)
    if top is None:
        return ufunc(*inputs)
    mine = [isinstance(x, Dual) and x.level == top.level for x in inputs]
    primals = [x.primal if own else x for x, own in zip(inputs, mine, strict=True)]
    out = ufunc(*primals)
    tangents = [
        tangent_of(x, structured=True) if own and partial != 0 else None
        for x, own, partial in zip(inputs, mine, rule.partials, strict=True)
    ]
    if all(t is None for t in tangents):
        return out
    if not rule.holomorphic and any(np.iscomplexobj(x) for x in primals):
        if rule.of_complex is not None:
            return rule.of_complex(*inputs)
        raise TypeError(f"{ufunc.__name__} has no complex derivative: take np.real and np.imag of its argument")
    return _at_zeros(top.like(out, _combined(rule, tangents, out, primals)), ufunc, inputs)


def _combined(rule: Elementwise, tangents: list[Tensor | None], out: Tensor, primals: list[Tensor]) -> Tensor:
    """Return the tangent of the result: structured if every term is, and they match; dense else."""
    stored = _rebased(tangents, primals)
    if any(isinstance(t, Structure) for t in stored):
        terms = [
            _structured_term(rule, i, t, out, primals) if isinstance(t, Structure) else None
            for i, t in enumerate(stored)
        ]
        structured = _sum_of_terms([term for term, t in zip(terms, stored, strict=True) if t is not None])
        if structured is not None:
            return structured
    dense = [to_dense(t, x) for t, x in zip(tangents, primals, strict=True)]
    return _summed(rule, broadcast_directions(dense, primals), out, primals)


def _rebased(tangents: list[Tensor | None], primals: list[Tensor]) -> list[Tensor | None]:
    """Return the tangents as scaled ones of the same directions, if they are that."""
    bases = [t.base if isinstance(t, ScaledTangent) else t for t in tangents]
    base = next(item for item in bases if item is not None)
    if any(item is not None and item is not base for item in bases) or not _is_read_only(base):
        pairs = zip(tangents, primals, strict=True)
        return [to_dense(t, x) if isinstance(t, ScaledTangent) else t for t, x in pairs]
    return [
        ScaledTangent(1, t, x.ndim) if t is base and t.ndim > x.ndim else t
        for t, x in zip(tangents, primals, strict=True)
    ]


def _is_read_only(tangent: Tensor) -> bool:
    """Return whether it is a read-only array, as the tangents of a function's arguments are."""
    return type(tangent) is np.ndarray and not tangent.flags.writeable


def _summed(rule: Elementwise, tangents: list[Tensor | None], out: Tensor, primals: list[Tensor]) -> Tensor:
    """Return Σ partial · tangent over the arguments that have a tangent; None if every partial is 0."""
    if rule.joint is not None and all(t is not None for t in tangents):
        first, second = (insert_axes(t, x.ndim, out.ndim) for t, x in zip(tangents, primals, strict=True))
        return _fit_to_result(rule.joint(first, second, out, *primals), out)
    add_terms: Tensor = None
    for partial, tangent, x in zip(rule.partials, tangents, primals, strict=True):
        if tangent is not None and partial != 0:
            term = _product(partial, rule.singular, insert_axes(tangent, x.ndim, out.ndim), out, primals)
            add_terms = term if add_terms is None else add_terms + term
    return None if add_terms is None else _fit_to_result(add_terms, out)


def _product(partial: Partial, singular: bool, tangent: Tensor, out: Tensor, primals: list[Tensor]) -> Tensor:
    """Return one term of the sum, always a new array, so that assigning into the result leaves the argument alone."""
    if isinstance(partial, int):
        return np.positive(tangent) if partial == 1 else np.negative(tangent)
    if singular:
        return _singular_product(partial, tangent, out, primals)
    return np.multiply(partial(out, *primals), tangent)  # by `*` of a Python complex number Python would


@np.errstate(**_QUIET)
def _singular_product(partial: Callable[..., Any], tangent: Tensor, out: Tensor, primals: list[Tensor]) -> Tensor:
    """Return the term of a partial that may be infinite: a tangent of 0 makes it 0, not NaN."""
    slope = partial(out, *primals)
    fits = type(slope) is type(tangent) is np.ndarray and (slope.shape, slope.dtype) == (tangent.shape, tangent.dtype)
    return scale_tangent(slope, tangent, slope if fits else None)  # in place: the slope is not used again


def _fit_to_result(tangent: Tensor, out: Tensor) -> Tensor:
    """Return the tangent broadcast to the shape of the result and in its type."""
    ndim = out.ndim
    if ndim and tangent.shape[-ndim:] != out.shape:
        tangent = np.positive(np.broadcast_to(tangent, tangent.shape[: tangent.ndim - ndim] + out.shape))
    return tangent if tangent.dtype == out.dtype else tangent.astype(out.dtype)


def _structured_term(
    rule: Elementwise, index: int, tangent: Structure, out: Tensor, primals: list[Tensor]
) -> Structure | None:
    """Return the structured term of one argument; None where only a dense one says it."""
    partial, x = rule.partials[index], primals[index]
    if isinstance(tangent, UnitTangent):
        if x.shape[-1] != out.shape[-1] or rule.singular:
            return None
        slope = _slope_of(rule, index, out, primals)
        lifted = UnitTangent(tangent.units, _broadcast_values(tangent.values, x.shape, out.shape))
        return lifted.scaled(slope if np.ndim(slope) == 0 else np.broadcast_to(slope, out.shape))
    if not isinstance(tangent, ScaledTangent | OuterTangent) or x.shape != out.shape:
        return None
    if partial == 1:
        return tangent
    slope = _slope_of(rule, index, out, primals)
    if isinstance(tangent, ScaledTangent):  # an infinite slope on a slope of 0 would be NaN, on the tangent it is 0
        return None if rule.singular and not np.all(np.isfinite(slope)) else tangent.scaled(slope)
    return replace(tangent, values=tangent.values * slope) if np.ndim(slope) == 0 else None


def _slope_of(rule: Elementwise, index: int, out: Tensor, primals: list[Tensor]) -> Tensor:
    """Return the partial derivative for one argument."""
    partial = rule.partials[index]
    if isinstance(partial, int):
        return partial
    with np.errstate(**_QUIET) if rule.singular else nullcontext():
        return partial(out, *primals)


def _broadcast_values(values: Tensor, shape: tuple[int, ...], to: tuple[int, ...]) -> Tensor:
    """Return the values `(K, *batch)` of a unit tangent, broadcast as its value `(*batch, H)` is."""
    if shape == to:
        return values
    return np.broadcast_to(insert_axes(values, len(shape) - 1, len(to) - 1), values.shape[:1] + to[:-1])


def _sum_of_terms(terms: list[Structure | None]) -> Structure | None:
    """Return the sum of structured terms on the same units; None if they do not match."""
    if len(terms) == 1:
        return terms[0]
    first, second = terms
    if isinstance(first, UnitTangent) and isinstance(second, UnitTangent):
        same = first.units is second.units or np.array_equal(first.units, second.units)
        return UnitTangent(first.units, first.values + second.values) if same else None
    if isinstance(first, ScaledTangent) and isinstance(second, ScaledTangent):
        return ScaledTangent(first.slopes + second.slopes, first.base, first.ndim)
    return None
