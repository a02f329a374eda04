"""Rules of one's own."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.dual.engine import Dual, Tensor, each, push, tangent_of
from core.dual.structure import UnitTangent, contract


class rule:
    """A function of arrays with a derivative rule of one's own, as a decorator.

    `defjvp` takes one function per argument, `(tangent, out, *arguments) -> tangent`, linear in the tangent, which is
    one direction at a time.

    >>> @rule
    ... def cube(x): return x * x * x
    >>> cube.defjvp(lambda t, out, x: 3 * x * x * t)
    """

    def __init__(self, function: Callable[..., Tensor]) -> None:
        self.function = function
        self.partials: tuple[Callable[..., Tensor], ...] = ()

    def defjvp(self, *partials: Callable[..., Tensor]) -> None:
        self.partials = partials

    def __call__(self, *operands: Any) -> Tensor:
        if len(self.partials) != len(operands):
            raise TypeError(
                f"{self.function.__name__} has rules for {len(self.partials)} arguments, got {len(operands)}"
            )
        return push(self.function, self._tangent, operands)

    def _tangent(self, tangents: list[Tensor], out: Tensor, *reals: Tensor) -> Tensor:
        terms = [
            each(lambda one, partial=partial: partial(one, out, *reals), t, np.ndim(x))
            for partial, t, x in zip(self.partials, tangents, reals, strict=True)
            if t is not None
        ]
        return sum(terms[1:], start=terms[0])


def elementwise_function(
    value: Callable[[Tensor], Tensor], slope: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """A function of each element, from itself and its derivative `(out, x) -> slopes`.

    A unit tangent stays one; a derivative that is 0 or 1 may be an array of truth values.
    """

    def apply(x: Tensor) -> Tensor:
        if not isinstance(x, Dual):
            return value(x)
        out, tangent = value(x.real), tangent_of(x, structured=True)
        if tangent is None:
            return out
        slopes = slope(out, x.real)
        if isinstance(tangent, UnitTangent):
            return x.like(out, tangent.scaled(slopes))
        return x.like(out, tangent_of(x) * slopes)

    return apply


def row_function(value: Callable[[Tensor], Tensor], gradient: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """A function of the last axis, `(*b, C) -> (*b,)`, from itself and its gradient `(*b, C) -> (*b, C)`.

    Unit and outer tangents are contracted without becoming dense.
    """

    def apply(x: Tensor) -> Tensor:
        return push(value, lambda tangents, out, real: contract(tangents[0], gradient(real)), (x,), structured=True)

    return apply
