"""The chain rule of functions that act on each element: `Σ partial · tangent`, for every kind of tangent."""

from collections.abc import Callable
from contextlib import nullcontext
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, aligned, leading, spread, tangent_of
from dualtrain.core.dual.rules.elementwise import RULES, Elementwise, Partial
from dualtrain.core.dual.structured import OuterTangent, ScaledTangent, Structure, UnitTangent, densified, weighted

NUMBERS = (float, int)
QUIET: Any = dict.fromkeys(("divide", "invalid", "over"), "ignore")


def quick(ufunc: Callable[..., Any], inputs: tuple[Tensor, ...]) -> Tensor | None:
    """The usual cases the short way, which small arrays are sensitive to; None for all others.

    They are one dual, a dual and a number, and two duals of one level and shape, with dense tangents of plain arrays.
    """
    rule = RULES.get(ufunc)
    if rule is None:
        return None
    if len(inputs) == 1:
        return quick_one(ufunc, rule, inputs[0])
    first, second = inputs
    if type(first) in NUMBERS:
        first = second
    elif type(second) not in NUMBERS and not alike(first, second):
        return None
    if not usual(first):
        return None
    primals = [x.primal if isinstance(x, Dual) else x for x in inputs]
    tangents = [x.stored_tangent if isinstance(x, Dual) else None for x in inputs]
    out = ufunc(*primals)
    tangent = summed(rule, tangents, out, primals)
    return out if tangent is None else first.like(out, tangent)


def quick_one(ufunc: Callable[..., Any], rule: Elementwise, x: Tensor) -> Tensor | None:
    if not usual(x):
        return None
    primal = x.primal
    out = ufunc(primal)
    return x.like(out, fitted(product(rule.partials[0], rule.singular, x.stored_tangent, out, [primal]), out))


def usual(x: Tensor) -> bool:
    """Whether x is a dual of real floats with a dense tangent, and not one to be scaled."""
    return (
        isinstance(x, Dual)
        and type(x.stored_tangent) is np.ndarray
        and x.primal.dtype.kind == "f"
        and (x.stored_tangent.ndim == x.primal.ndim or x.stored_tangent.flags.writeable)
    )


def alike(x: Tensor, y: Tensor) -> bool:
    """Whether two duals need no alignment."""
    return (
        type(x) is type(y)
        and x.level == y.level
        and x.primal.shape == y.primal.shape
        and x.primal.dtype is y.primal.dtype
        and type(y.stored_tangent) is np.ndarray
        and y.stored_tangent.shape == getattr(x.stored_tangent, "shape", None)
    )


def elementwise(ufunc: Callable[..., Any], rule: Elementwise, inputs: tuple[Tensor, ...]) -> Tensor:
    """`ufunc(*inputs)` where an input is a dual, or `out=` alone is."""
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
    return top.like(out, combined(rule, tangents, out, primals))


def combined(rule: Elementwise, tangents: list[Tensor | None], out: Tensor, primals: list[Tensor]) -> Tensor:
    """The tangent of the result: structured if every term is, and they match; dense else."""
    held = with_one_base(tangents, primals)
    if any(isinstance(t, Structure) for t in held):
        terms = [kept(rule, i, t, out, primals) if isinstance(t, Structure) else None for i, t in enumerate(held)]
        together = joined([term for term, t in zip(terms, held, strict=True) if t is not None])
        if together is not None:
            return together
    whole = [densified(t, x) for t, x in zip(tangents, primals, strict=True)]
    return summed(rule, aligned(whole, primals), out, primals)


def with_one_base(tangents: list[Tensor | None], primals: list[Tensor]) -> list[Tensor | None]:
    """The tangents as scaled ones of the same directions, if they are that."""
    bases = [t.base if isinstance(t, ScaledTangent) else t for t in tangents]
    base = next(one for one in bases if one is not None)
    if any(one is not None and one is not base for one in bases) or not lasting(base):
        pairs = zip(tangents, primals, strict=True)
        return [densified(t, x) if isinstance(t, ScaledTangent) else t for t, x in pairs]
    return [
        ScaledTangent(1, t, x.ndim) if t is base and t.ndim > x.ndim else t
        for t, x in zip(tangents, primals, strict=True)
    ]


def lasting(tangent: Tensor) -> bool:
    """Whether it is an array that nobody may write into, as those of a function's arguments are."""
    return type(tangent) is np.ndarray and not tangent.flags.writeable


def summed(rule: Elementwise, tangents: list[Tensor | None], out: Tensor, primals: list[Tensor]) -> Tensor:
    """Σ partial · tangent over the arguments that have a tangent; None if every partial is 0."""
    if rule.joint is not None and all(t is not None for t in tangents):
        first, second = (spread(t, x.ndim, out.ndim) for t, x in zip(tangents, primals, strict=True))
        return fitted(rule.joint(first, second, out, *primals), out)
    total: Tensor = None
    for partial, tangent, x in zip(rule.partials, tangents, primals, strict=True):
        if tangent is not None and partial != 0:
            term = product(partial, rule.singular, spread(tangent, x.ndim, out.ndim), out, primals)
            total = term if total is None else total + term
    return None if total is None else fitted(total, out)


def product(partial: Partial, singular: bool, tangent: Tensor, out: Tensor, primals: list[Tensor]) -> Tensor:
    """One term of the sum; always a new array, so that assigning into the result leaves the argument alone."""
    if isinstance(partial, int):
        return np.positive(tangent) if partial == 1 else np.negative(tangent)
    if singular:
        return guarded(partial, tangent, out, primals)
    return np.multiply(partial(out, *primals), tangent)  # by `*` of a Python complex number Python would


@np.errstate(**QUIET)
def guarded(partial: Callable[..., Any], tangent: Tensor, out: Tensor, primals: list[Tensor]) -> Tensor:
    """The term of a partial that may be infinite: a tangent of 0 makes it 0, not NaN."""
    slope = partial(out, *primals)
    fits = type(slope) is type(tangent) is np.ndarray and (slope.shape, slope.dtype) == (tangent.shape, tangent.dtype)
    return weighted(slope, tangent, slope if fits else None)  # in place: nobody else has it


def fitted(tangent: Tensor, out: Tensor) -> Tensor:
    """The tangent broadcast to the shape of the result and in its type."""
    ndim = out.ndim
    if ndim and tangent.shape[-ndim:] != out.shape:
        tangent = np.positive(np.broadcast_to(tangent, tangent.shape[: tangent.ndim - ndim] + out.shape))
    return tangent if tangent.dtype == out.dtype else tangent.astype(out.dtype)


def kept(rule: Elementwise, index: int, tangent: Structure, out: Tensor, primals: list[Tensor]) -> Structure | None:
    """The structured term of one argument; None where only a dense one says it."""
    partial, x = rule.partials[index], primals[index]
    if isinstance(tangent, UnitTangent):
        if x.shape[-1] != out.shape[-1] or rule.singular:
            return None
        slope = slope_of(rule, index, out, primals)
        lifted = UnitTangent(tangent.units, raised(tangent.values, x.shape, out.shape))
        return lifted.scaled(slope if np.ndim(slope) == 0 else np.broadcast_to(slope, out.shape))
    if not isinstance(tangent, ScaledTangent | OuterTangent) or x.shape != out.shape:
        return None
    if partial == 1:
        return tangent
    slope = slope_of(rule, index, out, primals)
    if isinstance(tangent, ScaledTangent):  # an infinite slope on a slope of 0 would be NaN, on the tangent it is 0
        return None if rule.singular and not np.all(np.isfinite(slope)) else tangent.scaled(slope)
    return OuterTangent(tangent.values * slope, tangent.rows, tangent.which) if np.ndim(slope) == 0 else None


def slope_of(rule: Elementwise, index: int, out: Tensor, primals: list[Tensor]) -> Tensor:
    """The partial derivative for one argument."""
    partial = rule.partials[index]
    if isinstance(partial, int):
        return partial
    with np.errstate(**QUIET) if rule.singular else nullcontext():
        return partial(out, *primals)


def raised(values: Tensor, shape: tuple[int, ...], to: tuple[int, ...]) -> Tensor:
    """The values `(K, *batch)` of a unit tangent, broadcast as its value `(*batch, H)` is from a shape to another."""
    if shape == to:
        return values
    return np.broadcast_to(spread(values, len(shape) - 1, len(to) - 1), values.shape[:1] + to[:-1])


def joined(terms: list[Structure | None]) -> Structure | None:
    """The sum of structured terms on the same units; None if they do not match."""
    if len(terms) == 1:
        return terms[0]
    first, second = terms
    if isinstance(first, UnitTangent) and isinstance(second, UnitTangent):
        same = first.units is second.units or np.array_equal(first.units, second.units)
        return UnitTangent(first.units, first.values + second.values) if same else None
    if isinstance(first, ScaledTangent) and isinstance(second, ScaledTangent):
        return ScaledTangent(first.slopes + second.slopes, first.base, first.ndim)
    return None
