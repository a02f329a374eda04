"""Rules of SciPy's incomplete gamma and beta functions and of the distribution functions made of them.

The derivative is the density; of an inverse it is one over the density at the result. Along shape parameters no
closed form is known, and a tangent there is refused.
"""

from math import pi
from typing import Any

import numpy as np
from scipy import special as s

from dualtrain.core.dual.rules.elementwise import Elementwise, real_only, unknown

_SHAPE = unknown("a shape parameter")


def _gamma(a: Any, x: Any) -> Any:
    """Return the density of the gamma distribution."""
    return np.exp(s.xlogy(a - 1, x) - x - s.gammaln(a))


def _beta(a: Any, b: Any, x: Any) -> Any:
    """Return the density of the beta distribution."""
    return np.exp(s.xlogy(a - 1, x) + s.xlog1py(b - 1, -x) - s.betaln(a, b))


def _student(df: Any, t: Any) -> Any:
    scale = np.exp(s.gammaln((df + 1) / 2) - s.gammaln(df / 2)) / np.sqrt(df * pi)
    return scale * np.power(1 + t * t / df, -(df + 1) / 2)


def _fisher(m: Any, n: Any, x: Any) -> Any:
    portion = m * x / (m * x + n)
    return _beta(m / 2, n / 2, portion) * m * n / np.square(m * x + n)


RULES: dict[Any, Elementwise] = {
    s.gammainc: real_only(_SHAPE, lambda out, a, x: _gamma(a, x)),
    s.gammaincc: real_only(_SHAPE, lambda out, a, x: -_gamma(a, x)),
    s.gammaincinv: real_only(_SHAPE, lambda out, a, y: 1 / _gamma(a, out)),
    s.gammainccinv: real_only(_SHAPE, lambda out, a, y: -1 / _gamma(a, out)),
    s.betainc: real_only(_SHAPE, _SHAPE, lambda out, a, b, x: _beta(a, b, x)),
    s.betaincc: real_only(_SHAPE, _SHAPE, lambda out, a, b, x: -_beta(a, b, x)),
    s.betaincinv: real_only(_SHAPE, _SHAPE, lambda out, a, b, y: 1 / _beta(a, b, out)),
    s.betainccinv: real_only(_SHAPE, _SHAPE, lambda out, a, b, y: -1 / _beta(a, b, out)),
    s.gdtr: real_only(lambda out, a, b, x: x * _gamma(b, a * x), _SHAPE, lambda out, a, b, x: a * _gamma(b, a * x)),
    s.gdtrc: real_only(lambda out, a, b, x: -x * _gamma(b, a * x), _SHAPE, lambda out, a, b, x: -a * _gamma(b, a * x)),
    s.chdtr: real_only(_SHAPE, lambda out, v, x: _gamma(v / 2, x / 2) / 2),
    s.chdtrc: real_only(_SHAPE, lambda out, v, x: -_gamma(v / 2, x / 2) / 2),
    s.chdtri: real_only(_SHAPE, lambda out, v, p: -2 / _gamma(v / 2, out / 2)),
    s.stdtr: real_only(_SHAPE, lambda out, df, t: _student(df, t)),
    s.stdtrit: real_only(_SHAPE, lambda out, df, p: 1 / _student(df, out)),
    s.fdtr: real_only(_SHAPE, _SHAPE, lambda out, m, n, x: _fisher(m, n, x)),
    s.fdtrc: real_only(_SHAPE, _SHAPE, lambda out, m, n, x: -_fisher(m, n, x)),
    s.fdtri: real_only(_SHAPE, _SHAPE, lambda out, m, n, p: 1 / _fisher(m, n, out)),
    s.pdtr: real_only(_SHAPE, lambda out, k, m: -_gamma(np.floor(k) + 1, m)),
    s.pdtrc: real_only(_SHAPE, lambda out, k, m: _gamma(np.floor(k) + 1, m)),
}
