"""Functions that work on matrices: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives

L = np.linalg


def spd(a):
    """A positive definite matrix, made from any."""
    return a @ np.swapaxes(a, -1, -2) + 3 * np.eye(a.shape[-1])


def steep(a):
    """A matrix whose last singular value is far below the others."""
    scale = np.zeros(a.shape[-2:])
    np.fill_diagonal(scale, [5.0, 3.0, 0.0])
    return scale + 0.05 * a


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
    L.pinv: [
        (L.pinv, (3, 2)),
        (L.pinv, (2, 2, 3)),
        (lambda a: L.pinv(steep(a), 0.1), (2, 4, 3)),
        (lambda a: L.pinv(steep(a), rtol=[0.1, 0.001]), (2, 3, 4)),
        (lambda a: L.pinv(steep(a), 0.1, hermitian=True), (3, 3)),
        (lambda a: L.pinv(np.outer(a, a), 0.1), (3,)),
    ],
    L.lstsq: [
        (lambda a, b: L.lstsq(a, b)[:2], (4, 2), (4,)),
        (lambda a, b: L.lstsq(a, b)[0], (2, 3), (2, 2)),
        (lambda a, b: L.lstsq(steep(a), b, rcond=0.1)[0], (4, 3), (4,)),
    ],
    L.matrix_power: [(lambda a, n=n: L.matrix_power(a, n), (3, 3)) for n in (0, 1, 2, 5, -2)],
    L.multi_dot: [(lambda *arrays: L.multi_dot(arrays), (3,), (3, 2), (2, 4))],
    L.tensorinv: [(lambda a: L.tensorinv(a + np.eye(4).reshape(2, 2, 4) * 3), (2, 2, 4))],
    L.tensorsolve: [(lambda a, b: L.tensorsolve(a + np.eye(4).reshape(2, 2, 4) * 3, b), (2, 2, 4), (2, 2))],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


def test_one_cut_off_is_given():
    with pytest.raises(ValueError, match="can't be both set"):
        L.pinv(DualTensor(np.eye(2), np.eye(2)), 0.1, rtol=0.1)


def test_a_singular_value_of_zero_may_be_cut_beside_another():
    """The derivative of diag(a, b, 0) is that of diag(1/a, 0, 0)."""
    x = DualTensor(np.diag([2.0, 0.1, 0.0]), np.diag([1.0, 1.0, 0.0]))
    np.testing.assert_allclose(L.pinv(x, 0.5).tangent, np.diag([-0.25, 0.0, 0.0]), atol=1e-15)


def test_of_a_complex_diagonal_the_real_part_is_read():
    a = np.array([[9 + 0j, 1 + 2j], [0.5 - 1j, 8 + 0j]])
    check_derivatives(L.cholesky, a)
    check_derivatives(lambda a: L.cholesky(a, upper=True), a)
    check_derivatives(lambda a: np.abs(L.eigh(a)[1]), a)
    check_derivatives(lambda a: L.pinv(a, hermitian=True), a)
