"""Rules of one's own."""

from collections.abc import Callable
from functools import partial, wraps
from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    map_directions,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    push,
    tangent_of,
)
from dualtrain.core.dual.rules.combinators import add_terms
from dualtrain.core.dual.structured import Factored, UnitTangent, contract


def rule(*partials: Callable[..., Tensor] | None) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
    """Return a decorator that gives a function of arrays the derivative rule that you write for it.

    One rule per argument, `(tangent, out, *arguments, **options) -> tangent of the result`, linear in the tangent,
    which has the argument's shape: directions are pushed one by one. None for an argument without a derivative. The
    function itself only sees plain arrays, so it may call any library; if the rules use NumPy's functions, or the
    function itself, they nest. TypeError if rules and arguments do not match, or a dual is where None stands or is an
    option.

    >>> from dualtrain.core.dual import derivative
    >>> @rule(lambda tangent, out, x: 3 * x * x * tangent)
    ... def cube(x):
    ...     return x * x * x
    >>> float(derivative(cube)(2.0)), float(derivative(derivative(cube))(2.0))
    (12.0, 12.0)
    """

    def decorate(function: Callable[..., Tensor]) -> Callable[..., Tensor]:
        @wraps(function)
        def call(*operands: Any, **options: Any) -> Tensor:
            if any(isinstance(x, Dual) for x in options.values()):
                raise TypeError(f"{function.__name__} takes duals by position, where it may have a rule, or .primal")
            if not any(isinstance(x, Dual) for x in operands):
                return function(*operands, **options)
            _check_operands(function, partials, operands)
            return push(partial(call, **options), partial(_summed, partials, options), operands)

        return call

    return decorate


def _summed(partials: Any, options: dict[str, Any], tangents: list[Tensor], out: Tensor, *primals: Tensor) -> Tensor:
    """Return the sum of what the rules of the arguments give for those with a tangent, direction by direction."""

    def term(rule: Callable[..., Tensor], tangent: Tensor, x: Tensor) -> Tensor:
        return map_directions(lambda t: rule(t, out, *primals, **options), tangent, np.ndim(x))

    triples = zip(partials, tangents, primals, strict=True)
    return add_terms(*(term(rule, tangent, x) for rule, tangent, x in triples if tangent is not None))


def _check_operands(function: Callable[..., Tensor], partials: Any, operands: Any) -> None:
    name = function.__name__
    if len(partials) != len(operands):
        raise TypeError(f"{name} has derivative rules for {len(partials)} arguments, got {len(operands)}")
    for place, (known, x) in enumerate(zip(partials, operands, strict=True)):
        if known is None and isinstance(x, Dual):
            raise TypeError(
                f"{name} has no derivative rule for its argument {place}: give one to @rule, or pass .primal"
            )


def elementwise_function(
    value: Callable[[Tensor], Tensor], slope: Callable[[Tensor, Tensor], Tensor]
) -> Callable[[Tensor], Tensor]:
    """Return a function of each element, from itself and its derivative `(out, x) -> slopes`.

    A unit tangent stays one; a derivative that is 0 or 1 may be an array of truth values.
    """

    def apply(x: Tensor) -> Tensor:
        if not isinstance(x, Dual):
            return value(x)
        out, tangent = value(x.primal), tangent_of(x, structured=True)
        if tangent is None:
            return out
        slopes = slope(out, x.primal)
        if isinstance(tangent, UnitTangent):
            return x.like(out, tangent.scaled(slopes))
        if isinstance(tangent, Factored) and type(tangent.values) is type(slopes) is np.ndarray:
            return x.like(out, tangent.scaled(slopes))
        return x.like(out, tangent_of(x) * slopes)

    return apply


def row_function(value: Callable[[Tensor], Tensor], gradient: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Return a function of the last axis, `(*b, C) -> (*b,)`, from itself and its gradient `(*b, C) -> (*b, C)`.

    Unit and outer tangents are contracted without becoming dense.
    """

    def apply(x: Tensor) -> Tensor:
        return push(value, lambda tangents, out, primal: contract(tangents[0], gradient(primal)), (x,), structured=True)

    return apply
