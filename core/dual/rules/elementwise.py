"""Derivatives of the ufuncs that act on each element: for every argument a partial derivative of `(out, *arguments)`.

A partial that is the number 1 or -1 is written so. `singular` marks partials that are infinite somewhere; a tangent of
zero stays zero there. Ties of maximum and minimum are split evenly, and the modulus has the derivative 0 at 0, as in
autograd and JAX. Complex arguments are refused where no complex derivative exists.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import log, pi
from typing import Any

import numpy as np

Partial = Callable[..., Any] | int
_NUMBERS = (int, float, complex)


@dataclass(frozen=True, slots=True)
class Elementwise:
    """The partial derivatives of a ufunc, one per argument."""

    partials: tuple[Partial, ...]
    singular: bool = False
    holomorphic: bool = True
    of_complex: Callable[..., Any] | None = None  # the function of complex arguments, by others, where it is not
    joint: Callable[..., Any] | None = None  # the same of `(tx, ty, out, x, y)`, where fewer operations do both at once


def smooth(*partials: Partial, joint: Callable[..., Any] | None = None) -> Elementwise:
    """Return the rule of an analytic function: the same rule for complex arguments."""
    return Elementwise(partials, joint=joint)


def singular(*partials: Partial) -> Elementwise:
    """Return the rule of a function with an infinite derivative somewhere; each partial makes a new array."""
    return Elementwise(partials, singular=True)


def real_only(
    *partials: Partial, joint: Callable[..., Any] | None = None, of_complex: Callable[..., Any] | None = None
) -> Elementwise:
    """Return the rule of a function that is differentiable almost everywhere on the real line alone."""
    return Elementwise(partials, holomorphic=False, of_complex=of_complex, joint=joint)


def unknown(argument: str) -> Callable[..., Any]:
    """Return the partial of an argument without a known derivative: a tangent there is refused, never dropped."""

    def refuse(out: Any, *arguments: Any) -> Any:
        raise TypeError(f"no derivative rule for {argument}: pass it as a plain number or array, such as its .primal")

    return refuse


def _chosen(first_wins: Callable[..., Any]) -> Callable[..., Any]:
    """Return the tangent of the argument that wins, and the mean of both where they tie."""

    def joint(tx: Any, ty: Any, out: Any, x: Any, y: Any) -> Any:
        picked = np.where(first_wins(x, y), tx, ty)
        ties = np.equal(x, y)
        return np.where(ties, (tx + ty) / 2, picked) if np.any(ties) else picked

    return joint


def _share(first: Any, second: Any, out: Any) -> Any:
    """Return 1 where only the first condition holds, 1/2 where both do, 0 elsewhere; in the type of the result."""
    return first * (1 - np.asarray(0.5, out.dtype) * second)


def _one_over(y: Any) -> Any:
    """Return 1/y, infinite for a Python number 0 too, by which Python does not divide."""
    return 1 / (np.asarray(y) if isinstance(y, _NUMBERS) and y == 0 else y)


def _zero_safe(x: Any) -> Any:
    """Return x with 1 in the place of 0, for quotients whose numerator is 0 there."""
    return np.where(x == 0, np.asarray(1, x.dtype), x)


def _share_of_sum(power: Callable[..., Any], out: Any, x: Any, y: Any) -> Any:
    """Return the portion `power(x - out)` of x in a sum of powers, by their logarithms x, y and `out`.

    Where the sum is infinite, infinite powers share it evenly; where it is 0, neither has a portion.
    """
    beyond = np.isinf(out)
    if not beyond.any():
        return power(x - out)
    inside = power(x - np.where(beyond, np.asarray(0, out.dtype), out))
    return np.where(beyond, _share(np.equal(x, np.inf), np.equal(y, np.inf), out), inside)


def _power_base(out: Any, x: Any, y: Any) -> Any:
    """Return y·x^(y-1), and 0 for y = 0 at every x."""
    if isinstance(y, int | float):
        return y * x ** (y - 1) if y else np.zeros_like(out)
    return y * x ** np.where(y == 0, 1, y - 1)


def _power_exponent(out: Any, x: Any, y: Any) -> Any:
    """Return log(x)·x^y, and 0 at x = 0, where 0^y is the constant 0 for y > 0."""
    return np.log(np.where(x == 0, 1, x)) * out


def _per_radius(z: Any, x: Any, y: Any) -> Any:
    """Return z/(x² + y²), divided twice: the square may be too large or too small a number."""
    radius = _zero_safe(np.hypot(x, y))
    return z / radius / radius


_POWER = singular(_power_base, _power_exponent)

RULES: dict[Any, Elementwise] = {
    np.positive: smooth(1),
    np.negative: smooth(-1),
    np.absolute: real_only(lambda out, x: np.sign(x), of_complex=lambda z: np.hypot(np.real(z), np.imag(z))),
    np.fabs: real_only(lambda out, x: np.sign(x)),
    np.reciprocal: smooth(lambda out, x: -out * out),
    np.square: smooth(lambda out, x: 2 * x),
    np.sqrt: singular(lambda out, x: 0.5 / out),
    np.cbrt: singular(lambda out, x: 1 / (3 * out * out)),
    np.exp: smooth(lambda out, x: out),
    np.exp2: smooth(lambda out, x: log(2) * out),
    np.expm1: smooth(lambda out, x: np.exp(x)),  # out + 1 would lose the digits of small ones
    np.log: singular(lambda out, x: 1 / x),
    np.log2: singular(lambda out, x: (1 / log(2)) / x),
    np.log10: singular(lambda out, x: (1 / log(10)) / x),
    np.log1p: singular(lambda out, x: 1 / (1 + x)),
    np.sin: smooth(lambda out, x: np.cos(x)),
    np.cos: smooth(lambda out, x: -np.sin(x)),
    np.tan: smooth(lambda out, x: 1 + out * out),
    np.arcsin: singular(lambda out, x: 1 / np.sqrt((1 - x) * (1 + x))),
    np.arccos: singular(lambda out, x: -1 / np.sqrt((1 - x) * (1 + x))),
    np.arctan: smooth(lambda out, x: 1 / (1 + x * x)),
    np.sinh: smooth(lambda out, x: np.cosh(x)),
    np.cosh: smooth(lambda out, x: np.sinh(x)),
    np.tanh: smooth(lambda out, x: (1 - out) * (1 + out)),
    np.arcsinh: smooth(lambda out, x: 1 / (np.sqrt(1 + x * x) if np.iscomplexobj(x) else np.hypot(1, x))),
    np.arccosh: singular(lambda out, x: 1 / (np.sqrt(x - 1) * np.sqrt(x + 1))),
    np.arctanh: singular(lambda out, x: 1 / ((1 - x) * (1 + x))),
    np.deg2rad: smooth(lambda out, x: pi / 180),
    np.radians: smooth(lambda out, x: pi / 180),
    np.rad2deg: smooth(lambda out, x: 180 / pi),
    np.degrees: smooth(lambda out, x: 180 / pi),
    np.add: smooth(1, 1, joint=lambda tx, ty, out, x, y: tx + ty),
    np.subtract: smooth(1, -1, joint=lambda tx, ty, out, x, y: tx - ty),
    np.multiply: smooth(lambda out, x, y: y, lambda out, x, y: x, joint=lambda tx, ty, out, x, y: y * tx + x * ty),
    np.divide: smooth(
        lambda out, x, y: _one_over(y), lambda out, x, y: -out / y, joint=lambda tx, ty, out, x, y: (tx - out * ty) / y
    ),
    np.power: _POWER,
    np.float_power: _POWER,
    np.remainder: real_only(1, lambda out, x, y: -np.floor_divide(x, y)),
    np.fmod: real_only(1, lambda out, x, y: -np.rint((x - out) / y)),
    np.arctan2: real_only(lambda out, x, y: _per_radius(y, x, y), lambda out, x, y: _per_radius(-x, x, y)),
    np.hypot: real_only(lambda out, x, y: x / _zero_safe(out), lambda out, x, y: y / _zero_safe(out)),
    np.logaddexp: real_only(
        lambda out, x, y: _share_of_sum(np.exp, out, x, y), lambda out, x, y: _share_of_sum(np.exp, out, y, x)
    ),
    np.logaddexp2: real_only(
        lambda out, x, y: _share_of_sum(np.exp2, out, x, y), lambda out, x, y: _share_of_sum(np.exp2, out, y, x)
    ),
    np.maximum: real_only(
        lambda out, x, y: _share(x >= y, y >= x, out),
        lambda out, x, y: _share(y >= x, x >= y, out),
        joint=_chosen(np.greater),
    ),
    np.minimum: real_only(
        lambda out, x, y: _share(x <= y, y <= x, out),
        lambda out, x, y: _share(y <= x, x <= y, out),
        joint=_chosen(np.less),
    ),
    np.fmax: real_only(
        lambda out, x, y: _share((x >= y) | np.isnan(y), y >= x, out),
        lambda out, x, y: _share((y >= x) | np.isnan(x), x >= y, out),
    ),
    np.fmin: real_only(
        lambda out, x, y: _share((x <= y) | np.isnan(y), y <= x, out),
        lambda out, x, y: _share((y <= x) | np.isnan(x), x <= y, out),
    ),
    np.copysign: real_only(lambda out, x, y: np.copysign(1, x) * np.copysign(np.ones_like(out), y), 0),
    np.ldexp: real_only(lambda out, x, y: np.ldexp(np.ones_like(out), y), 0),
    np.nextafter: real_only(1, 0),
    np.heaviside: real_only(0, lambda out, x, y: np.equal(x, 0).astype(out.dtype)),
}
