"""Rules of SciPy's elliptic integrals, hypergeometric functions and orthogonal polynomials; DLMF 13, 15, 18, 19."""

from collections.abc import Callable
from math import pi
from typing import Any

import numpy as np
from scipy import special as s

from dualtrain.core.dual.rules.elementwise import Elementwise, real_only, singular, unknown

_DEGREE = unknown("the degree (argument 0)")
_PARAMETER = unknown("a parameter")


def _lower(slope: Callable[..., Any]) -> Callable[..., Any]:
    """Return the slope of a polynomial, 0 of one of degree 0."""
    return lambda out, n, *rest: np.where(np.equal(n, 0), 0.0, slope(np.where(np.equal(n, 0), 1.0, n), *rest))


def _root(phi: Any, m: Any) -> Any:
    return np.sqrt(1 - m * np.square(np.sin(phi)))


RULES: dict[Any, Elementwise] = {
    s.ellipk: real_only(lambda out, m: pi / 8 * s.hyp2f1(1.5, 1.5, 2.0, m)),
    s.ellipkm1: real_only(lambda out, p: -pi / 8 * s.hyp2f1(1.5, 1.5, 2.0, 1 - p)),
    s.ellipe: real_only(lambda out, m: -pi / 8 * s.hyp2f1(0.5, 1.5, 2.0, m)),
    s.ellipkinc: real_only(
        lambda out, phi, m: 1 / _root(phi, m),
        lambda out, phi, m: (
            s.ellipeinc(phi, m) / (2 * m * (1 - m)) - out / (2 * m) - np.sin(2 * phi) / (4 * (1 - m) * _root(phi, m))
        ),
    ),
    s.ellipeinc: real_only(
        lambda out, phi, m: _root(phi, m), lambda out, phi, m: (out - s.ellipkinc(phi, m)) / (2 * m)
    ),
    s.elliprf: real_only(
        lambda out, x, y, z: -s.elliprd(y, z, x) / 6,
        lambda out, x, y, z: -s.elliprd(x, z, y) / 6,
        lambda out, x, y, z: -s.elliprd(x, y, z) / 6,
    ),
    s.hyp0f1: real_only(_PARAMETER, lambda out, v, x: s.hyp0f1(v + 1.0, x) / v),
    s.hyp1f1: real_only(_PARAMETER, _PARAMETER, lambda out, a, b, x: a / b * s.hyp1f1(a + 1.0, b + 1.0, x)),
    s.hyp2f1: real_only(
        _PARAMETER, _PARAMETER, _PARAMETER,
        lambda out, a, b, c, x: a * b / c * s.hyp2f1(a + 1.0, b + 1.0, c + 1.0, x),
    ),
    s.hyperu: real_only(_PARAMETER, _PARAMETER, lambda out, a, b, x: -a * s.hyperu(a + 1.0, b + 1.0, x)),
    s.spence: singular(
        lambda out, x: np.where(np.equal(x, 1), -1.0, np.log(x) / np.where(np.equal(x, 1), 1.0, 1 - x))
    ),
    s.eval_legendre: real_only(_DEGREE, _lower(lambda n, x: (n + 1) / 2 * s.eval_jacobi(n - 1.0, 1.0, 1.0, x))),
    s.eval_sh_legendre: real_only(
        _DEGREE, _lower(lambda n, x: (n + 1) * s.eval_jacobi(n - 1.0, 1.0, 1.0, 2 * x - 1))
    ),
    s.eval_chebyt: real_only(_DEGREE, _lower(lambda n, x: n * s.eval_chebyu(n - 1.0, x))),
    s.eval_sh_chebyt: real_only(_DEGREE, _lower(lambda n, x: 2 * n * s.eval_chebyu(n - 1.0, 2 * x - 1))),
    s.eval_chebyu: real_only(_DEGREE, _lower(lambda n, x: 2 * s.eval_gegenbauer(n - 1.0, 2.0, x))),
    s.eval_sh_chebyu: real_only(_DEGREE, _lower(lambda n, x: 4 * s.eval_gegenbauer(n - 1.0, 2.0, 2 * x - 1))),
    s.eval_gegenbauer: real_only(
        _DEGREE, _PARAMETER, _lower(lambda n, a, x: 2 * a * s.eval_gegenbauer(n - 1.0, a + 1.0, x))
    ),
    s.eval_jacobi: real_only(
        _DEGREE, _PARAMETER, _PARAMETER,
        _lower(lambda n, a, b, x: (n + a + b + 1) / 2 * s.eval_jacobi(n - 1.0, a + 1.0, b + 1.0, x)),
    ),
    s.eval_laguerre: real_only(_DEGREE, _lower(lambda n, x: -s.eval_genlaguerre(n - 1.0, 1.0, x))),
    s.eval_genlaguerre: real_only(
        _DEGREE, _PARAMETER, _lower(lambda n, a, x: -s.eval_genlaguerre(n - 1.0, a + 1.0, x))
    ),
    s.eval_hermite: real_only(_DEGREE, _lower(lambda n, x: 2 * n * _hermite(s.eval_hermite, n - 1.0, x))),
    s.eval_hermitenorm: real_only(_DEGREE, _lower(lambda n, x: n * _hermite(s.eval_hermitenorm, n - 1.0, x))),
}  # fmt: skip


def _hermite(function: Any, n: Any, x: Any) -> Any:
    """Return a Hermite polynomial, whose degree SciPy takes as an integer."""
    return function(np.asarray(n).astype(int), x)
