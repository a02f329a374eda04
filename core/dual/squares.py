"""Squares of square roots, moduli and hypotenuses at 0, where they are smooth and their parts are not.

`sqrt(v)**2` is v, `abs(x)**2` is x², `hypot(x, y)**2` is x² + y²; but at 0 the derivative of the root is infinite, or a
convention, and that of the square made of it is lost. So a result with zeros among its elements remembers what it was
computed from, and its square takes the derivatives at these zeros from there. `sqrt(x**n)` for an even n likewise.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, plain
from dualtrain.core.dual.views import root_of

_SQUARES: dict[Any, Any] = {
    np.sqrt: lambda v: v,
    np.absolute: lambda x: x * x,
    np.fabs: lambda x: x * x,
    np.hypot: lambda x, y: x * x + y * y,
}


@dataclass(frozen=True)
class _Origin:
    """A ufunc and its inputs, with how often each was written into by then."""

    ufunc: Any
    inputs: tuple[Tensor, ...]
    changes: tuple[int, ...]

    def is_current(self) -> bool:
        return self.changes == tuple(_changes(x) for x in self.inputs)


def _changes(x: Tensor) -> int:
    return getattr(root_of(x), "changes", 0) if isinstance(x, Dual) else 0


def remember_origin(result: Any, ufunc: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    """Register what a result with zeros was computed from, if its square, or its root, may be asked for."""
    is_power = ufunc is np.power and _is_even(inputs[1])
    if isinstance(result, Dual) and (ufunc in _SQUARES or is_power) and not np.all(plain(result)):
        copies = tuple(x.copy() if isinstance(x, np.ndarray) else x for x in inputs)
        result.origin = _Origin(ufunc, copies, tuple(_changes(x) for x in copies))
    return result


def _is_even(exponent: Any) -> bool:
    return isinstance(exponent, int | float) and exponent > 2 and exponent % 2 == 0


def at_zeros(result: Tensor, ufunc: Any, inputs: tuple[Tensor, ...]) -> Tensor:
    """Return a result with the derivatives of the simpler expression that it is, where that expression is 0."""
    simpler = _simpler(ufunc, inputs)
    if simpler is None:
        return result
    zeros = plain(inputs[0]) == 0
    joined: Any = np.where(zeros, simpler, result) if np.any(zeros) else result
    return joined if np.ndim(joined) else joined[()]


def _simpler(ufunc: Any, inputs: tuple[Tensor, ...]) -> Tensor | None:
    origin = getattr(inputs[0], "origin", None) if isinstance(inputs[0], Dual) else None
    if origin is None or not origin.is_current():
        return None
    if ufunc is np.sqrt:
        return np.power(origin.inputs[0], origin.inputs[1] / 2) if origin.ufunc is np.power else None
    if origin.ufunc not in _SQUARES or not _is_square(ufunc, inputs, origin):
        return None
    return _SQUARES[origin.ufunc](*origin.inputs)


def _is_square(ufunc: Any, inputs: tuple[Tensor, ...], origin: _Origin) -> bool:
    """Return whether a ufunc squares its first input."""
    if ufunc is np.square:
        return True
    if ufunc is np.power:
        return isinstance(inputs[1], int | float) and inputs[1] == 2
    if ufunc is not np.multiply:
        return False
    other = getattr(inputs[1], "origin", None) if isinstance(inputs[1], Dual) else None
    return inputs[1] is inputs[0] or (
        other is not None
        and other.is_current()
        and other.ufunc is origin.ufunc
        and all(a is b for a, b in zip(other.inputs, origin.inputs, strict=True))
    )
