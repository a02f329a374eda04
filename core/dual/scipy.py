"""SciPy's functions that take duals, under SciPy's names: `from dualtrain.core.dual.scipy import linalg, signal`.

SciPy's special functions are ufuncs and take duals themselves; most of its other functions turn their arguments into
arrays first, which duals refuse. Those in the tables here are computed by rules, everything else is SciPy's own.
Functions that are linear in their array, as filters and integrals are, are SciPy's own, applied to the value and to
each tangent; interpolation takes duals as points, and as values where it is linear in them.

>>> from dualtrain.core.dual import jacobian
>>> jacobian(lambda x: linalg.expm(x * np.array([[0.0, 1.0], [0.0, 0.0]])))(2.0)
array([[0., 1.],
       [0., 0.]])
"""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, plain
from dualtrain.core.dual.exponentials import log_softmax, logsumexp, softmax
from dualtrain.core.dual.scipy_interpolate import interpolate
from dualtrain.core.dual.scipy_linalg import linalg
from dualtrain.core.dual.scipy_namespace import Namespace, bilinear_rule, by, linear_in, linear_rule
from dualtrain.core.dual.solvers import Shared

# special functions


def _polygamma(own: Any, n: Any, x: Tensor) -> Tensor:
    from scipy import special

    order = np.asarray(plain(n), float)
    if isinstance(n, Dual):
        raise TypeError("scipy.special.polygamma has no derivative rule along its order: pass n.primal")
    if np.any(order == 0):
        return special.psi(x)
    return (-1.0) ** (order + 1) * special.gamma(order + 1) * special.zeta(order + 1, x)


def _multigammaln(own: Any, a: Tensor, d: int) -> Tensor:
    from scipy import special

    terms = sum(special.gammaln(a - j / 2) for j in range(d))
    return terms + d * (d - 1) / 4 * np.log(np.pi)


def _gamma_of(shift: float) -> Callable[..., Any]:
    def rule(own: Any, n: Tensor, exact: bool = False, **options: Any) -> Tensor:
        from scipy import special

        return special.gamma(n + shift)

    return rule


def _comb(own: Any, n: Tensor, k: Tensor, **options: Any) -> Tensor:
    from scipy import special

    return special.binom(n, k)


special = Namespace("special", {
    "logsumexp": by(logsumexp), "softmax": by(softmax), "log_softmax": by(log_softmax), "polygamma": _polygamma,
    "multigammaln": _multigammaln, "factorial": _gamma_of(1.0), "comb": _comb,
})  # fmt: skip

# transforms, filters, integrals: linear in their array

_TRANSFORMS = [
    "fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "rfft2", "irfft2", "rfftn", "irfftn", "hfft",
    "ihfft", "dct", "idct", "dst", "idst", "dctn", "idctn", "dstn", "idstn", "fftshift", "ifftshift",
]  # fmt: skip
fft = Namespace("fft", dict.fromkeys(_TRANSFORMS, linear_rule))
ndimage = Namespace("ndimage", {
    **dict.fromkeys((
        "gaussian_filter", "gaussian_filter1d", "uniform_filter", "uniform_filter1d", "sobel", "prewitt", "laplace",
        "gaussian_laplace", "spline_filter", "spline_filter1d", "shift", "zoom", "rotate", "affine_transform",
    ), linear_rule),
    **dict.fromkeys(("convolve", "correlate", "convolve1d", "correlate1d"), bilinear_rule),
})  # fmt: skip
signal = Namespace("signal", {
    **dict.fromkeys(("detrend", "hilbert", "savgol_filter", "resample", "resample_poly", "decimate"), linear_rule),
    **dict.fromkeys(("convolve", "fftconvolve", "oaconvolve", "correlate", "convolve2d", "correlate2d"), bilinear_rule),
    **dict.fromkeys(("lfilter", "filtfilt", "lfiltic"), linear_in(2)), "sosfilt": linear_in(1),
    "sosfiltfilt": linear_in(1),
})  # fmt: skip
integrate = Namespace("integrate", {
    "trapezoid": by(np.trapezoid),
    **dict.fromkeys(("simpson", "cumulative_trapezoid", "cumulative_simpson", "romb"), linear_rule),
})  # fmt: skip


class Package(ModuleType):
    """SciPy, with these modules in the place of its own."""

    def __init__(self) -> None:
        super().__init__("scipy")

    def __getattr__(self, name: str) -> Any:
        own = getattr(import_module("scipy"), name)
        return NAMESPACES.get(f"scipy.{name}", own)


NAMESPACES = {space.__name__: space for space in (fft, integrate, interpolate, linalg, ndimage, signal, special)}

__all__ = ["Shared", "fft", "integrate", "interpolate", "linalg", "ndimage", "signal", "special"]
