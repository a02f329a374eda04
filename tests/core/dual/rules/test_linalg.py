"""Functions that work on matrices: to second order against differences."""

import numpy as np

from core.dual import check_derivatives

L = np.linalg


def spd(a):
    """A positive definite matrix, made from any."""
    return a @ np.swapaxes(a, -1, -2) + 3 * np.eye(a.shape[-1])


CASES = {
    L.inv: [(lambda a: L.inv(spd(a)), (3, 3)), (lambda a: L.inv(spd(a)), (2, 3, 3))],
    L.solve: [
        (lambda a, b: L.solve(spd(a), b), (3, 3), (3,)),
        (lambda a, b: L.solve(spd(a), b), (2, 3, 3), (3, 2)),
        (lambda a, b: L.solve(spd(a), b), (3, 3), (2, 3, 1)),
    ],
    L.det: [(L.det, (3, 3)), (L.det, (2, 2, 2)), (lambda a: L.det(a * np.array([[1], [0]]) + 0), (2, 2))],
    L.slogdet: [(L.slogdet, (3, 3)), (L.slogdet, (2, 2, 2))],
    L.cholesky: [
        (lambda a: L.cholesky(spd(a)), (3, 3)),
        (lambda a: L.cholesky(spd(a), upper=True), (2, 2, 2)),
        (lambda a: L.cholesky(np.tril(a) + 9 * np.eye(3)), (3, 3)),
    ],
    L.eigh: [
        (lambda a: L.eigh(spd(a))[0], (2, 3, 3)),
        (lambda a: L.eigh(a, "U").eigenvalues, (3, 3)),
        (lambda a: L.eigh(a)[1] ** 2, (3, 3)),
    ],
    L.eigvalsh: [(L.eigvalsh, (3, 3))],
    L.eigvals: [
        (lambda a: np.sort(np.real(L.eigvals(a)), axis=-1), (2, 3, 3)),
        (lambda a: np.sort(np.imag(L.eigvals(a)), axis=-1), (3, 3)),
    ],
    L.pinv: [(L.pinv, (3, 2)), (L.pinv, (2, 2, 3))],
    L.lstsq: [(lambda a, b: L.lstsq(a, b)[:2], (4, 2), (4,)), (lambda a, b: L.lstsq(a, b)[0], (2, 3), (2, 2))],
    L.matrix_power: [(lambda a, n=n: L.matrix_power(a, n), (3, 3)) for n in (0, 1, 2, 5, -2)],
    L.multi_dot: [(lambda *arrays: L.multi_dot(arrays), (3,), (3, 2), (2, 4))],
    L.tensorinv: [(lambda a: L.tensorinv(a + np.eye(4).reshape(2, 2, 4) * 3), (2, 2, 4))],
    L.tensorsolve: [(lambda a, b: L.tensorsolve(a + np.eye(4).reshape(2, 2, 4) * 3, b), (2, 2, 4), (2, 2))],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)
