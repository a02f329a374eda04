"""Rules of SciPy's special functions, which are ufuncs too; read when the first one meets a dual.

`special.zeta` is a function around a ufunc, so the ufunc is the key.
"""

from math import log, pi, sqrt
from typing import Any

import numpy as np
from scipy import special as s

from dualtrain.core.dual.engine import Dual, Tensor, plain, push
from dualtrain.core.dual.rules import bessel, distributions, hypergeometric
from dualtrain.core.dual.rules.bessel import ORDER
from dualtrain.core.dual.rules.elementwise import Elementwise, real_only, singular, smooth, unknown


def _density(x: Any) -> Any:
    """Return the normal distribution's."""
    return np.exp(-0.5 * x * x) / sqrt(2 * pi)


def _divisor(x: Any, y: Any) -> Any:
    """Return y, and 1 where x and y are 0: a function that is 0 for every y there has no slope."""
    return np.where(np.equal(x, 0) & np.equal(y, 0), 1, y)


def _growth(u: Any) -> Any:
    """Return (u·exp(u) - exp(u) + 1)/u², which is 1/2 at 0."""
    return s.hyp1f1(2.0, 3.0, u) / 2


def _decay(u: Any) -> Any:
    """Return (exp(-u) + u - 1)/u², which is 1/2 at 0."""
    return s.hyp1f1(1.0, 3.0, -u) / 2


def _reciprocal_gamma(out: Any, x: Any) -> Any:
    """Return the slope of 1/Γ, which is (-1)^n n! at -n."""
    pole = np.less_equal(x, 0) & np.equal(x, np.rint(plain(x)))
    n = np.where(pole, -np.rint(plain(x)), 0)
    return np.where(pole, np.cos(pi * n) * s.gamma(n + 1), -out * s.psi(np.where(pole, 1, x)))


def _faddeeva(z: Any) -> Any:
    """Return the slope of w(z)."""
    return 2j / sqrt(pi) - 2 * z * s.wofz(z)


def _voigt(x: Any, sigma: Any, gamma: Any) -> tuple[Any, Any]:
    """Return z and w'(z) of a Voigt profile, over its scale."""
    z = (x + 1j * gamma) / (sigma * sqrt(2))
    return z, _faddeeva(z) / (sigma * sqrt(2 * pi))


def _hull(delta: Any, r: Any) -> Any:
    return np.sqrt(1 + np.square(r / delta))


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
    s._ufuncs._zeta: real_only(ORDER, lambda out, order, x: -order * s.zeta(order + 1, x)),
    s.beta: real_only(
        lambda out, x, y: out * (s.psi(x) - s.psi(x + y)), lambda out, x, y: out * (s.psi(y) - s.psi(x + y))
    ),
    s.betaln: real_only(lambda out, x, y: s.psi(x) - s.psi(x + y), lambda out, x, y: s.psi(y) - s.psi(x + y)),
    s.xlogy: singular(lambda out, x, y: np.log(y), lambda out, x, y: x / _divisor(x, y)),
    s.xlog1py: singular(lambda out, x, y: np.log1p(y), lambda out, x, y: x / _divisor(x, 1 + y)),
    s.entr: singular(lambda out, x: -np.log(x) - 1),
    s.rel_entr: singular(lambda out, x, y: np.log(x / y) + 1, lambda out, x, y: -x / _divisor(x, y)),
    s.kl_div: singular(lambda out, x, y: np.log(x / y), lambda out, x, y: 1 - x / _divisor(x, y)),
    s.erfi: smooth(lambda out, x: 2 / sqrt(pi) * np.exp(x * x)),
    s.erfcinv: real_only(lambda out, x: -sqrt(pi) / 2 * np.exp(out * out)),
    s.dawsn: smooth(lambda out, x: 1 - 2 * x * out),
    s.wofz: smooth(lambda out, z: _faddeeva(z)),
    s.voigt_profile: real_only(
        lambda out, x, sigma, gamma: np.real(_voigt(x, sigma, gamma)[1]) / (sigma * sqrt(2)),
        lambda out, x, sigma, gamma: -(out + np.real(np.prod(np.stack(_voigt(x, sigma, gamma)), axis=0))) / sigma,
        lambda out, x, sigma, gamma: np.real(1j * _voigt(x, sigma, gamma)[1]) / (sigma * sqrt(2)),
    ),
    s.ndtri_exp: real_only(lambda out, y: np.exp(y + 0.5 * out * out) * sqrt(2 * pi)),
    s.owens_t: real_only(
        lambda out, h, a: -_density(h) * s.erf(a * h / sqrt(2)) / 2,
        lambda out, h, a: np.exp(-0.5 * h * h * (1 + a * a)) / (2 * pi * (1 + a * a)),
    ),
    s.exp1: smooth(lambda out, x: -np.exp(-x) / x),
    s.expi: smooth(lambda out, x: np.exp(x) / x),
    s.expn: real_only(
        ORDER,
        lambda out, n, x: np.where(np.equal(n, 0), -out * (1 + 1 / x), -s.expn(np.maximum(n - 1, 0), x)),
    ),
    s.exprel: real_only(lambda out, x: _growth(x)),
    s.rgamma: real_only(_reciprocal_gamma),
    s.poch: real_only(lambda out, z, m: out * (s.psi(z + m) - s.psi(z)), lambda out, z, m: out * s.psi(z + m)),
    s.binom: real_only(
        lambda out, n, k: out * (s.psi(n + 1) - s.psi(n - k + 1)),
        lambda out, n, k: out * (s.psi(n - k + 1) - s.psi(k + 1)),
    ),
    s._ufuncs._lambertw: smooth(
        lambda out, z, k, tol: np.exp(-out) / (1 + out), unknown("the branch"), unknown("the tolerance")
    ),
    s.wrightomega: smooth(lambda out, z: out / (1 + out)),
    s.boxcox: real_only(
        lambda out, x, power: np.power(x, power - 1),
        lambda out, x, power: np.square(np.log(x)) * _growth(power * np.log(x)),
    ),
    s.boxcox1p: real_only(
        lambda out, x, power: np.power(1 + x, power - 1),
        lambda out, x, power: np.square(np.log1p(x)) * _growth(power * np.log1p(x)),
    ),
    s.inv_boxcox: real_only(
        lambda out, y, power: np.power(out, 1 - power),
        lambda out, y, power: -out * np.square(np.log(out)) * _decay(power * np.log(out)),
    ),
    s.inv_boxcox1p: real_only(
        lambda out, y, power: np.power(1 + out, 1 - power),
        lambda out, y, power: -(1 + out) * np.square(np.log1p(out)) * _decay(power * np.log1p(out)),
    ),
    s.huber: real_only(
        lambda out, delta, r: np.maximum(np.abs(r) - delta, 0), lambda out, delta, r: np.clip(r, -delta, delta)
    ),
    s.pseudo_huber: real_only(
        lambda out, delta, r: 2 * delta * (_hull(delta, r) - 1) - r * r / (delta * _hull(delta, r)),
        lambda out, delta, r: r / _hull(delta, r),
    ),
    s.expm1: smooth(lambda out, x: np.exp(x)),
    s.log1p: singular(lambda out, x: 1 / (1 + x)),
    s.exp2: smooth(lambda out, x: log(2) * out),
    s.exp10: smooth(lambda out, x: log(10) * out),
    s.cosm1: real_only(lambda out, x: -np.sin(x)),
    s.powm1: singular(lambda out, x, y: y * np.power(x, y - 1), lambda out, x, y: np.log(x) * np.power(x, y)),
    s.sindg: real_only(lambda out, x: pi / 180 * s.cosdg(x)),
    s.cosdg: real_only(lambda out, x: -pi / 180 * s.sindg(x)),
    s.tandg: real_only(lambda out, x: pi / 180 * (1 + out * out)),
    s.cotdg: real_only(lambda out, x: -pi / 180 * (1 + out * out)),
    s.cbrt: singular(lambda out, x: 1 / (3 * out * out)),
    **bessel.RULES,
    **distributions.RULES,
    **hypergeometric.RULES,
}


def _airy(x: Tensor) -> tuple[Tensor, ...]:
    """Return Ai, Ai', Bi and Bi': f'' = x·f."""
    slopes = {
        0: lambda x: s.airy(x)[1],
        1: lambda x: x * s.airy(x)[0],
        2: lambda x: s.airy(x)[3],
        3: lambda x: x * s.airy(x)[2],
    }
    return _several(s.airy, slopes, x)


def _several(ufunc: Any, slopes: dict[int, Any], x: Tensor) -> tuple[Tensor, ...]:
    """Return the results of a ufunc of one argument with several results, each with its slope."""

    def part(index: int, slope: Any) -> Tensor:
        return push(lambda x: ufunc(x)[index], lambda tangents, out, x: np.multiply(slope(x), tangents[0]), (x,))

    return tuple(part(index, slope) for index, slope in slopes.items())


def _quotient(numerator: Any, at_zero: float) -> Any:
    return lambda x: np.where(np.equal(x, 0), at_zero, numerator(x) / np.where(np.equal(x, 0), 1, x))


def _ellipj(u: Tensor, m: Any) -> tuple[Tensor, ...]:
    """Return sn, cn, dn and the amplitude; the parameter is plain."""
    if isinstance(m, Dual):
        raise TypeError("scipy.special.ellipj has no derivative rule along its parameter m: pass m.primal")

    def part(index: int, slope: Any) -> Tensor:
        def rule(tangents: list[Tensor], out: Tensor, u: Tensor) -> Tensor:
            sn, cn, dn, _ = s.ellipj(u, m)
            return np.multiply(slope(sn, cn, dn), tangents[0])

        return push(lambda u: s.ellipj(u, m)[index], rule, (u,))

    slopes = (
        lambda sn, cn, dn: cn * dn, lambda sn, cn, dn: -sn * dn, lambda sn, cn, dn: -m * sn * cn,
        lambda sn, cn, dn: dn,
    )  # fmt: skip
    return tuple(part(index, slope) for index, slope in enumerate(slopes))


SEVERAL_RESULTS: dict[Any, Any] = {
    s.airy: _airy,
    s.ellipj: _ellipj,
    s.fresnel: lambda x: _several(
        s.fresnel, {0: lambda x: np.sin(pi / 2 * x * x), 1: lambda x: np.cos(pi / 2 * x * x)}, x
    ),
    s.sici: lambda x: _several(s.sici, {0: _quotient(np.sin, 1.0), 1: lambda x: np.cos(x) / x}, x),
    s.shichi: lambda x: _several(s.shichi, {0: _quotient(np.sinh, 1.0), 1: lambda x: np.cosh(x) / x}, x),
}
CONSTANT = {s.gammasgn}
