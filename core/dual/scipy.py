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

from dualtrain.core.dual.engine import Dual, Tensor, plain, push
from dualtrain.core.dual.exponentials import log_softmax, logsumexp, softmax
from dualtrain.core.dual.rules.combinators import bilinear, linear
from dualtrain.core.dual.rules.creation import array, has_dual


class Namespace(ModuleType):
    """A module of SciPy's, some of whose functions take duals."""

    def __init__(self, name: str, functions: dict[str, Any]) -> None:
        super().__init__(f"scipy.{name}", f"SciPy's {name}, some of whose functions take duals.")
        self.functions = functions

    def __getattr__(self, name: str) -> Any:
        own = getattr(import_module(self.__name__), name)
        value = _accepting(own, self.functions[name]) if name in self.functions else own
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return dir(import_module(self.__name__))


def _accepting(own: Callable[..., Any], rule: Callable[..., Any]) -> Callable[..., Any]:
    """Return SciPy's function for plain arguments, and the rule for duals and lists of them."""

    def call(*args: Any, **options: Any) -> Any:
        if not has_dual(list(args)) and not has_dual(list(options.values())):
            return own(*args, **options)
        lists = list if rule is _cho_solve else list | tuple
        arrays = [array(arg) if isinstance(arg, lists) and has_dual(arg) else arg for arg in args]
        return rule(own, *arrays, **options)

    call.__name__ = own.__name__
    call.__doc__ = own.__doc__
    return call


def _by(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return the rule of a function that NumPy, or this library, has as well."""
    return lambda own, *args, **options: function(*args, **options)


def _linear(own: Callable[..., Any], x: Tensor, *args: Any, **options: Any) -> Tensor:
    """Apply a function that is linear in its first argument."""

    def apply(x: Tensor, *args: Any, **options: Any) -> Tensor:
        return linear(apply)(x, *args, **options) if isinstance(x, Dual) else own(x, *args, **options)

    return apply(x, *args, **options)


def _bilinear(own: Callable[..., Any], x: Tensor, y: Tensor, *args: Any, **options: Any) -> Tensor:
    """Apply a function that is linear in each of its first two arguments."""

    def apply(x: Tensor, y: Tensor, *args: Any, **options: Any) -> Tensor:
        dual = isinstance(x, Dual) or isinstance(y, Dual)
        return (bilinear(apply) if dual else own)(x, y, *args, **options)

    return apply(x, y, *args, **options)


def _linear_in(place: int) -> Callable[..., Any]:
    """Return the rule of a function that is linear in one argument; the others are plain."""

    def rule(own: Callable[..., Any], *args: Any, **options: Any) -> Tensor:
        def of_array(x: Tensor, *rest: Any) -> Any:
            return own(*rest[:place], x, *rest[place:], **options)

        return _linear(of_array, args[place], *args[:place], *args[place + 1 :])

    return rule


# linear algebra


def _expm(own: Any, a: Tensor) -> Tensor:
    """Return exp(a), whose tangent is a block of exp([[a, t], [0, a]])."""

    def apply(a: Tensor) -> Tensor:
        return _expm(own, a) if isinstance(a, Dual) else own(a)

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        tangent, n = tangents[0], np.shape(a)[-1]
        square = np.broadcast_to(a, np.shape(tangent))
        upper = np.concatenate([square, tangent], axis=-1)
        lower = np.concatenate([np.zeros_like(square), square], axis=-1)
        return apply(np.concatenate([upper, lower], axis=-2))[..., :n, n:]

    return push(apply, rule, (a,))


def _sqrtm(own: Any, a: Tensor) -> Tensor:
    """Return the square root x of a matrix; its tangent solves x·t + t·x = the tangent of a."""

    def apply(a: Tensor) -> Tensor:
        return _sqrtm(own, a) if isinstance(a, Dual) else own(a)

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        n = np.shape(a)[-1]
        sylvester = np.kron(out, np.eye(n)) + np.kron(np.eye(n), np.transpose(out))
        front = np.shape(tangents[0])[:-2]
        columns = np.reshape(tangents[0], (*front, n * n, 1))
        return np.reshape(np.linalg.solve(sylvester, columns), (*front, n, n))

    return push(apply, rule, (a,))


def _solve(own: Any, a: Tensor, b: Tensor, **options: Any) -> Tensor:
    return np.linalg.solve(a, b)


def _solve_triangular(
    own: Any, a: Tensor, b: Tensor, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, **options: Any
) -> Tensor:
    a = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        a = np.where(np.eye(np.shape(a)[-1], dtype=bool), 1.0, a)
    return np.linalg.solve(a if trans in (0, "N") else np.transpose(a), b)


def _cholesky(own: Any, a: Tensor, lower: bool = False, **options: Any) -> Tensor:
    """Return SciPy's factor, by default the upper one."""
    return np.linalg.cholesky(a) if lower else np.linalg.cholesky(a, upper=True)


def _cho_factor(own: Any, a: Tensor, lower: bool = False, **options: Any) -> tuple[Tensor, bool]:
    return _cholesky(own, a, lower), lower


def _cho_solve(own: Any, factor: tuple[Tensor, bool], b: Tensor, **options: Any) -> Tensor:
    c, lower = factor
    left = np.tril(c) if lower else np.transpose(np.triu(c))
    return np.linalg.solve(np.conjugate(np.transpose(left)), np.linalg.solve(left, b))


def _block_diag(own: Any, *arrays: Tensor) -> Tensor:
    blocks = [np.atleast_2d(x) for x in arrays]
    rows = [
        [block if i == j else np.zeros((np.shape(row)[0], np.shape(block)[1])) for j, block in enumerate(blocks)]
        for i, row in enumerate(blocks)
    ]
    return np.block(rows)


def _toeplitz(own: Any, c: Tensor, r: Tensor = None) -> Tensor:
    r = np.conjugate(c) if r is None else r
    values = np.concatenate([np.ravel(c), np.ravel(r)[1:]])
    places = own(np.arange(np.size(c)), np.concatenate([[0], np.arange(np.size(r) - 1) + np.size(c)]))
    return values[places]


def _by_places(own: Any, c: Tensor, *rest: Any) -> Tensor:
    """Return an array of the elements of c, by the places of their numbers."""
    return np.ravel(c)[own(np.arange(np.size(c)), *rest)]


def _det(own: Any, a: Tensor, **options: Any) -> Tensor:
    return np.linalg.det(a)


def _eigh(
    own: Any, a: Tensor, b: None = None, *, lower: bool = True, eigvals_only: bool = False, **options: Any
) -> Any:
    if b is not None or options:
        raise TypeError("scipy.linalg.eigh of a dual takes no b, and no part of the eigenvalues")
    values, vectors = np.linalg.eigh(a, "L" if lower else "U")
    return values if eigvals_only else (values, vectors)


linalg = Namespace("linalg", {
    "inv": _by(lambda a, **options: np.linalg.inv(a)), "det": _det, "solve": _solve, "cholesky": _cholesky,
    "solve_triangular": _solve_triangular, "cho_factor": _cho_factor, "cho_solve": _cho_solve, "eigh": _eigh,
    "eigvalsh": _by(lambda a, lower=True: np.linalg.eigvalsh(a, "L" if lower else "U")),
    "eigvals": _by(np.linalg.eigvals), "svdvals": _by(np.linalg.svdvals), "pinv": _by(lambda a: np.linalg.pinv(a)),
    "norm": _by(np.linalg.norm), "expm": _expm, "sqrtm": _sqrtm, "block_diag": _block_diag,
    "toeplitz": _toeplitz, "circulant": _by_places, "lstsq": _by(np.linalg.lstsq),
    "qr": _by(lambda a, mode="full", **options: tuple(np.linalg.qr(a, "reduced"))),
})  # fmt: skip

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
    "logsumexp": _by(logsumexp), "softmax": _by(softmax), "log_softmax": _by(log_softmax), "polygamma": _polygamma,
    "multigammaln": _multigammaln, "factorial": _gamma_of(1.0), "comb": _comb,
})  # fmt: skip

# transforms, filters, integrals: linear in their array

_TRANSFORMS = [
    "fft", "ifft", "fft2", "ifft2", "fftn", "ifftn", "rfft", "irfft", "rfft2", "irfft2", "rfftn", "irfftn", "hfft",
    "ihfft", "dct", "idct", "dst", "idst", "dctn", "idctn", "dstn", "idstn", "fftshift", "ifftshift",
]  # fmt: skip
fft = Namespace("fft", dict.fromkeys(_TRANSFORMS, _linear))
ndimage = Namespace("ndimage", {
    **dict.fromkeys((
        "gaussian_filter", "gaussian_filter1d", "uniform_filter", "uniform_filter1d", "sobel", "prewitt", "laplace",
        "gaussian_laplace", "spline_filter", "spline_filter1d", "shift", "zoom", "rotate", "affine_transform",
    ), _linear),
    **dict.fromkeys(("convolve", "correlate", "convolve1d", "correlate1d"), _bilinear),
})  # fmt: skip
signal = Namespace("signal", {
    **dict.fromkeys(("detrend", "hilbert", "savgol_filter", "resample", "resample_poly", "decimate"), _linear),
    **dict.fromkeys(("convolve", "fftconvolve", "oaconvolve", "correlate", "convolve2d", "correlate2d"), _bilinear),
    **dict.fromkeys(("lfilter", "filtfilt", "lfiltic"), _linear_in(2)), "sosfilt": _linear_in(1),
    "sosfiltfilt": _linear_in(1),
})  # fmt: skip
integrate = Namespace("integrate", {
    "trapezoid": _by(np.trapezoid),
    **dict.fromkeys(("simpson", "cumulative_trapezoid", "cumulative_simpson", "romb"), _linear),
})  # fmt: skip

# interpolation


class _Interpolant:
    """An interpolant of SciPy's with plain values, whose points may be duals."""

    def __init__(self, interpolant: Any, slope: Any = None) -> None:
        self._interpolant = interpolant
        self._slope = slope

    def __call__(self, x: Tensor, *args: Any, **options: Any) -> Tensor:
        if not isinstance(x, Dual):
            return self._interpolant(x, *args, **options)
        if args or options:
            raise TypeError("an interpolant of duals takes its points alone: take derivative() for a derivative")
        slope = self.derivative()

        def rule(tangents: list[Tensor], out: Tensor, x: Tensor) -> Tensor:
            axes = (1,) * (np.ndim(out) - np.ndim(x))  # of the values, behind those of the points
            return np.multiply(slope(x), np.reshape(tangents[0], np.shape(tangents[0]) + axes))

        return push(self.__call__, rule, (x,))

    def derivative(self, nu: int = 1) -> "_Interpolant":
        """Return the interpolant's derivative."""
        return self if nu == 0 else _Interpolant(self._interpolant.derivative(nu))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._interpolant, name)


def _interpolating(name: str) -> Any:
    def make(x: Any, y: Tensor, *args: Any, **options: Any) -> Any:
        own = getattr(import_module("scipy.interpolate"), name)
        if not isinstance(y, Dual) and not isinstance(x, Dual):
            return _Interpolant(own(x, y, *args, **options))
        if isinstance(x, Dual):
            raise TypeError(f"scipy.interpolate.{name} takes duals as its values and its points, not as its knots")
        if name == "Akima1DInterpolator" or name == "PchipInterpolator":
            raise TypeError(f"scipy.interpolate.{name} is not linear in its values: a dual can be its point only")

        def at(points: Any, *rest: Any) -> Tensor:
            weights = own(x, np.eye(np.shape(y)[0]), *args, **options)
            return np.tensordot(_Interpolant(weights)(points, *rest), y, (-1, 0))

        return at

    return make


class _Interpolate(Namespace):
    """scipy.interpolate, whose splines take duals as points, and as values where they are linear in them."""

    def __getattr__(self, name: str) -> Any:
        names = ("CubicSpline", "make_interp_spline", "PchipInterpolator", "Akima1DInterpolator")
        return _interpolating(name) if name in names else super().__getattr__(name)


interpolate = _Interpolate("interpolate", {})

# optimization


class Shared:
    """A function and its derivatives for SciPy's solvers, which ask for them apart at the same point.

    `value` and `derivative` (the gradient of a number, the Jacobian of an array) come of one evaluation; `hessian` and
    `hessp` are those of a function of one number.

    >>> from scipy.optimize import minimize, rosen
    >>> from dualtrain.core.dual import adapt
    >>> shared = Shared(adapt(rosen))
    >>> result = minimize(shared.value, [-1.2, 1.0], jac=shared.derivative, hess=shared.hessian, method="trust-exact")
    >>> bool(result.success), shared.evaluations < 30
    (True, True)
    """

    def __init__(self, f: Callable[..., Any]) -> None:
        from dualtrain.core.dual.jacobians import hessian, hvp, value_and_jacobian

        self._both = value_and_jacobian(f)
        self._hessian = hessian(f)
        self._hvp = hvp(f)
        self._key: Any = None
        self._pair: Any = None
        self.evaluations = 0

    def _at(self, x: Any, args: tuple[Any, ...]) -> Any:
        x = np.asarray(x, float)
        key = (x.tobytes(), tuple(map(id, args)))
        if key != self._key:
            self._pair = self._both(x, *args)
            self._key = key
            self.evaluations += 1
        return self._pair

    def value(self, x: Any, *args: Any) -> Any:
        """Return the function's value."""
        return self._at(x, args)[0]

    def derivative(self, x: Any, *args: Any) -> Any:
        """Return its gradient or Jacobian."""
        return self._at(x, args)[1]

    def hessian(self, x: Any, *args: Any) -> Any:
        """Return its second derivatives."""
        return self._hessian(np.asarray(x, float), *args)

    def hessp(self, x: Any, p: Any, *args: Any) -> Any:
        """Return the product of its second derivatives with a vector."""
        return self._hvp(np.asarray(x, float), np.asarray(p, float), *args)


class Package(ModuleType):
    """SciPy, with these modules in the place of its own."""

    def __init__(self) -> None:
        super().__init__("scipy")

    def __getattr__(self, name: str) -> Any:
        own = getattr(import_module("scipy"), name)
        return NAMESPACES.get(f"scipy.{name}", own)


NAMESPACES = {space.__name__: space for space in (fft, integrate, interpolate, linalg, ndimage, signal, special)}
