"""SciPy's functions of duals: SciPy's values, and derivatives to second order against differences."""

import numpy as np
import pytest

pytest.importorskip("scipy")

from scipy import optimize  # noqa: E402

from dualtrain.core.dual import adapt, check_derivatives, gradient, jacobian, jvp  # noqa: E402
from dualtrain.core.dual.scipy import NAMESPACES, Shared, fft, integrate, interpolate, linalg, ndimage, signal, special  # noqa: E402

RNG = np.random.default_rng(0)
A = RNG.normal(size=(3, 3))
POSITIVE = A @ A.T + 3 * np.eye(3)
B, X = RNG.normal(size=3), RNG.uniform(0.3, 0.9, 12)
KNOTS, VALUES = np.linspace(0, 1, 6), RNG.normal(size=6)
COEFFICIENTS = [0.2, 0.3], [1.0, -0.4]

CASES = {
    "inv": (linalg.inv, POSITIVE), "det": (linalg.det, A), "solve": (linalg.solve, POSITIVE, B),
    "solve_triangular": (lambda a, b: linalg.solve_triangular(a, b, lower=True), POSITIVE, B),
    "solve_triangular of the transpose": (
        lambda a, b: linalg.solve_triangular(a, b, trans=1, unit_diagonal=True), POSITIVE, B
    ),
    "cholesky": (linalg.cholesky, POSITIVE), "cholesky, lower": (lambda a: linalg.cholesky(a, lower=True), POSITIVE),
    "cho_solve": (lambda a, b: linalg.cho_solve(linalg.cho_factor(a), b), POSITIVE, B),
    "cho_solve, lower": (lambda a, b: linalg.cho_solve(linalg.cho_factor(a, lower=True), b), POSITIVE, B),
    "eigh": (lambda a: linalg.eigh(a)[0], POSITIVE), "eigvalsh": (linalg.eigvalsh, POSITIVE),
    "svdvals": (linalg.svdvals, A), "norm": (linalg.norm, A), "pinv": (linalg.pinv, A), "expm": (linalg.expm, A),
    "sqrtm": (linalg.sqrtm, POSITIVE), "toeplitz": (linalg.toeplitz, B, A[0]),
    "toeplitz of one": (linalg.toeplitz, B), "circulant": (linalg.circulant, B),
    "block_diag": (lambda a, b: linalg.block_diag(a, 2.0, b), A, B),
    "logsumexp": (special.logsumexp, X), "softmax": (special.softmax, X), "log_softmax": (special.log_softmax, X),
    "polygamma": (lambda x: special.polygamma(2, x), X), "multigammaln": (lambda x: special.multigammaln(x, 3), 2 + X),
    "factorial": (special.factorial, X), "comb": (special.comb, 3 + X, X), "a ufunc": (special.expit, X),
    "fft": (lambda x: np.abs(fft.fft(x)), X), "dct": (fft.dct, X), "irfft": (lambda x: fft.irfft(x), X),
    "gaussian_filter": (lambda x: ndimage.gaussian_filter(x, 1.5), X.reshape(3, 4)),
    "convolve image": (ndimage.convolve, X.reshape(3, 4), A), "sobel": (ndimage.sobel, X.reshape(3, 4)),
    "lfilter": (lambda x: signal.lfilter(*COEFFICIENTS, x), X), "convolve": (signal.convolve, X, B),
    "fftconvolve": (signal.fftconvolve, X, B), "correlate": (signal.correlate, X, B),
    "detrend": (signal.detrend, X), "savgol_filter": (lambda x: signal.savgol_filter(x, 5, 2), X),
    "simpson": (integrate.simpson, X), "trapezoid": (integrate.trapezoid, X),
    "cumulative_trapezoid": (integrate.cumulative_trapezoid, X),
    "spline at points": (lambda x: interpolate.CubicSpline(KNOTS, VALUES)(x), X),
    "spline of values": (lambda y: interpolate.CubicSpline(KNOTS, y)(X), VALUES),
    "spline of both": (lambda y, x: interpolate.make_interp_spline(KNOTS, y)(x), VALUES, X),
    "pchip": (lambda x: interpolate.PchipInterpolator(KNOTS, VALUES)(x), X),
    "a list of duals": (lambda x: linalg.det([[x[0], x[1]], [1.0, x[2]]]), X),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_derivatives(name):
    function, *arguments = CASES[name]
    check_derivatives(function, *arguments)


def test_what_is_not_here_is_scipys():
    import scipy.linalg

    assert linalg.hadamard is scipy.linalg.hadamard and "expm" in dir(linalg)
    assert type(linalg.inv(A)) is np.ndarray and special.erf is scipy.special.erf
    with pytest.raises(TypeError, match="not as its knots"):
        jvp(lambda x: interpolate.CubicSpline(x, VALUES)(0.5), (KNOTS,), (KNOTS,))
    with pytest.raises(TypeError, match="not linear in its values"):
        jvp(lambda y: interpolate.PchipInterpolator(KNOTS, y)(0.5), (VALUES,), (VALUES,))


def test_programs_that_use_scipy_can_be_adapted():
    import scipy
    from scipy.linalg import expm
    from scipy.special import logsumexp

    def f(x):
        return logsumexp(expm(np.array([[0, x[0]], [x[1], 0]]))) + scipy.linalg.det(np.array([[x[0], 1], [1, x[1]]]))

    x = np.array([0.5, 0.7])
    slopes = [(f(x + h) - f(x - h)) / 2e-6 for h in 1e-6 * np.eye(2)]
    np.testing.assert_allclose(gradient(adapt(f))(x), slopes, rtol=1e-7)
    assert set(NAMESPACES) >= {"scipy.linalg", "scipy.signal"}


def test_solvers_share_values_and_derivatives():
    start = np.array([-1.2, 1.0, 0.5])
    shared = Shared(adapt(optimize.rosen))
    exact = optimize.minimize(shared.value, start, jac=shared.derivative, hess=shared.hessian, method="trust-exact")
    by_differences = optimize.minimize(optimize.rosen, start, method="BFGS")
    assert exact.success and shared.evaluations < by_differences.nfev
    np.testing.assert_allclose(exact.x, 1, atol=1e-5)
    product = optimize.minimize(shared.value, start, jac=shared.derivative, hessp=shared.hessp, method="trust-ncg")
    np.testing.assert_allclose(product.x, 1, atol=1e-5)
    fit = Shared(lambda p, t, y: p[0] * np.exp(-p[1] * t) - y)
    t = np.linspace(0, 2, 20)
    data = (t, 3 * np.exp(-0.5 * t))
    solution = optimize.least_squares(fit.value, [1.0, 1.0], fit.derivative, args=data)
    np.testing.assert_allclose(solution.x, [3, 0.5], rtol=1e-8)
    root = Shared(lambda x: x**2 - np.array([2.0, 3.0]))
    np.testing.assert_allclose(optimize.root(root.value, [1.0, 1.0], jac=root.derivative).x, np.sqrt([2, 3]))
    assert jacobian(root.value) is not None
