"""Rules of SciPy's Bessel and related functions, by their recurrences in the order; DLMF chapters 10 and 11."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Any

import numpy as np
from scipy import special as s

from dualtrain.core.dual.rules.elementwise import Elementwise, real_only, smooth, unknown

ORDER = unknown("the order (argument 0)")


def _between(function: Any, below: float, above: float, factor: float = 0.0) -> Callable[..., Any]:
    """Return the slope `below·f(v - 1) + above·f(v + 1) + factor·f`."""

    def slope(out: Any, order: Any, x: Any) -> Any:
        sides = below * function(order - 1.0, x) + above * function(order + 1.0, x)
        return sides + factor * out if factor else sides

    return slope


def _scaled(function: Any, below: float, above: float, sign: float) -> Callable[..., Any]:
    """The same for a function that is scaled by an exponential of |x|."""
    return lambda out, order, x: (
        below * function(order - 1.0, x) + above * function(order + 1.0, x) + sign * np.sign(x) * out
    )


def _struve_term(order: Any, x: Any) -> Any:
    return np.power(0.5 * x, order) * s.rgamma(order + 1.5) / sqrt(pi)


RULES: dict[Any, Elementwise] = {
    s.j0: smooth(lambda out, x: -s.j1(x)),
    s.j1: smooth(lambda out, x: 0.5 * (s.j0(x) - s.jv(2.0, x))),
    s.jv: smooth(ORDER, _between(s.jv, 0.5, -0.5)),
    s.jve: real_only(ORDER, _between(s.jve, 0.5, -0.5)),
    s.y0: real_only(lambda out, x: -s.y1(x)),
    s.y1: real_only(lambda out, x: 0.5 * (s.y0(x) - s.yv(2.0, x))),
    s.yn: real_only(ORDER, _between(s.yv, 0.5, -0.5)),
    s.yv: smooth(ORDER, _between(s.yv, 0.5, -0.5)),
    s.yve: real_only(ORDER, _between(s.yve, 0.5, -0.5)),
    s.i0: smooth(lambda out, x: s.i1(x)),
    s.i1: real_only(lambda out, x: 0.5 * (s.i0(x) + s.iv(2.0, x))),
    s.iv: real_only(ORDER, _between(s.iv, 0.5, 0.5)),
    s.i0e: real_only(lambda out, x: s.i1e(x) - np.sign(x) * out),
    s.i1e: real_only(lambda out, x: 0.5 * (s.i0e(x) + s.ive(2.0, x)) - np.sign(x) * out),
    s.ive: real_only(ORDER, _scaled(s.ive, 0.5, 0.5, -1.0)),
    s.k0: real_only(lambda out, x: -s.k1(x)),
    s.k1: real_only(lambda out, x: -0.5 * (s.k0(x) + s.kv(2.0, x))),
    s.kn: real_only(ORDER, _between(s.kv, -0.5, -0.5)),
    s.kv: smooth(ORDER, _between(s.kv, -0.5, -0.5)),
    s.k0e: real_only(lambda out, x: out - s.k1e(x)),
    s.k1e: real_only(lambda out, x: out - 0.5 * (s.k0e(x) + s.kve(2.0, x))),
    s.kve: real_only(ORDER, _between(s.kve, -0.5, -0.5, 1.0)),
    s.hankel1: smooth(ORDER, _between(s.hankel1, 0.5, -0.5)),
    s.hankel2: smooth(ORDER, _between(s.hankel2, 0.5, -0.5)),
    s.hankel1e: smooth(ORDER, lambda out, v, x: 0.5 * (s.hankel1e(v - 1.0, x) - s.hankel1e(v + 1.0, x)) - 1j * out),
    s.hankel2e: smooth(ORDER, lambda out, v, x: 0.5 * (s.hankel2e(v - 1.0, x) - s.hankel2e(v + 1.0, x)) + 1j * out),
    s.struve: real_only(
        ORDER, lambda out, v, x: 0.5 * (s.struve(v - 1.0, x) - s.struve(v + 1.0, x) + _struve_term(v, x))
    ),
    s.modstruve: real_only(
        ORDER, lambda out, v, x: 0.5 * (s.modstruve(v - 1.0, x) + s.modstruve(v + 1.0, x) + _struve_term(v, x))
    ),
}
