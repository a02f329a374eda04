"""Rules of SciPy's special functions, which are ufuncs too; read when the first one meets a dual.

`special.zeta` is a function around a ufunc, so the ufunc is the key.
"""

from math import log, pi, sqrt
from typing import Any

import numpy as np
from scipy import special as s

from dualtrain.core.dual.rules.elementwise import Elementwise, real_only, singular, smooth, unknown


def _density(x: Any) -> Any:
    """Return the normal distribution's."""
    return np.exp(-0.5 * x * x) / sqrt(2 * pi)


def _divisor(x: Any, y: Any) -> Any:
    """Return y, and 1 where x and y are 0: a function that is 0 for every y there has no slope."""
    return np.where(np.equal(x, 0) & np.equal(y, 0), 1, y)


_ORDER = unknown("the order (argument 0)")

RULES: dict[Any, Elementwise] = {
    s.erf: smooth(lambda out, x: 2 / sqrt(pi) * np.exp(-x * x)),
    s.erfc: smooth(lambda out, x: -2 / sqrt(pi) * np.exp(-x * x)),
    s.erfcx: smooth(lambda out, x: 2 * x * out - 2 / sqrt(pi)),
    s.erfinv: real_only(lambda out, x: sqrt(pi) / 2 * np.exp(out * out)),
    s.ndtr: smooth(lambda out, x: _density(x)),
    s.ndtri: real_only(lambda out, x: 1 / _density(out)),
    s.log_ndtr: real_only(lambda out, x: sqrt(2 / pi) / s.erfcx(-x / sqrt(2))),
    s.expit: real_only(lambda out, x: out * s.expit(-x)),  # 1 - out is 0 early
    s.logit: singular(lambda out, x: 1 / (x * (1 - x))),
    s.log_expit: real_only(lambda out, x: s.expit(-x)),
    s.gammaln: real_only(lambda out, x: s.psi(x)),
    s.loggamma: smooth(lambda out, x: np.where(np.isnan(out), out, s.psi(x))),
    s.gamma: smooth(lambda out, x: out * s.psi(x)),
    s.psi: real_only(lambda out, x: s.zeta(2.0, x)),
    s._ufuncs._zeta: real_only(_ORDER, lambda out, order, x: -order * s.zeta(order + 1, x)),
    s.beta: real_only(
        lambda out, x, y: out * (s.psi(x) - s.psi(x + y)), lambda out, x, y: out * (s.psi(y) - s.psi(x + y))
    ),
    s.betaln: real_only(lambda out, x, y: s.psi(x) - s.psi(x + y), lambda out, x, y: s.psi(y) - s.psi(x + y)),
    s.xlogy: singular(lambda out, x, y: np.log(y), lambda out, x, y: x / _divisor(x, y)),
    s.xlog1py: singular(lambda out, x, y: np.log1p(y), lambda out, x, y: x / _divisor(x, 1 + y)),
    s.entr: singular(lambda out, x: -np.log(x) - 1),
    s.rel_entr: singular(lambda out, x, y: np.log(x / y) + 1, lambda out, x, y: -x / _divisor(x, y)),
    s.i0: smooth(lambda out, x: s.i1(x)),
    s.i1: real_only(lambda out, x: 0.5 * (s.i0(x) + s.iv(2.0, x))),
    s.iv: real_only(_ORDER, lambda out, order, x: 0.5 * (s.iv(order - 1, x) + s.iv(order + 1, x))),
    s.j0: smooth(lambda out, x: -s.j1(x)),
    s.j1: smooth(lambda out, x: 0.5 * (s.j0(x) - s.jv(2.0, x))),
    s.jv: smooth(_ORDER, lambda out, order, x: 0.5 * (s.jv(order - 1, x) - s.jv(order + 1, x))),
    s.exp10: smooth(lambda out, x: log(10) * out),
    s.cbrt: singular(lambda out, x: 1 / (3 * out * out)),
}
