"""Functions that multiply: to second order against differences."""

import numpy as np

from dualtrain.core.dual import check_derivatives

L = np.linalg

CASES = {
    np.dot: [
        (np.dot, (3,), (3,)),
        (np.dot, (2, 3), (3,)),
        (np.dot, (3,), (3, 2)),
        (np.dot, (2, 3), (4, 3, 2)),
        (np.dot, (), (3,)),
    ],
    np.inner: [(np.inner, (3,), (3,)), (np.inner, (2, 3), (4, 3)), (np.inner, (), (2,))],
    np.outer: [(np.outer, (3,), (2, 2))],
    np.vdot: [(np.vdot, (2, 3), (2, 3))],
    np.tensordot: [
        (np.tensordot, (2, 3, 2), (3, 2, 2)),
        (lambda a, b: np.tensordot(a, b, ([0, 2], [1, 0])), (2, 3, 4), (4, 2, 3)),
        (lambda a, b: np.tensordot(a, b, 0), (2,), (3,)),
    ],
    np.einsum: [
        (lambda a, b: np.einsum("ij,jk->ik", a, b), (2, 3), (3, 2)),
        (lambda a, b: np.einsum("ij,kj", a, b), (2, 3), (2, 3)),
        (lambda a: np.einsum("ii->i", a), (3, 3)),
        (lambda a: np.einsum("ii", a), (3, 3)),
        (lambda a, b, c: np.einsum("ij,jk,kl->il", a, b, c, optimize=True), (2, 3), (3, 2), (2, 2)),
        (lambda a, b: np.einsum("...ij,...j->...i", a, b), (3, 2, 3), (3,)),
        (lambda a, b: np.einsum(a, [0, 1], b, [1, 2], [2, 0]), (2, 3), (3, 2)),
        (lambda a, b: np.einsum(a, [0, 26], b, [26, 51]), (2, 3), (3, 2)),
    ],
    np.kron: [(np.kron, (2, 3), (3, 2)), (np.kron, (3,), (2, 2))],
    np.cross: [(np.cross, (2, 3), (3,)), (lambda a, b: np.cross(a, b, axis=0), (3, 2), (3, 2))],
    np.convolve: [(np.convolve, (4,), (3,)), (lambda a, v: np.convolve(a, v, "same"), (3,), (5,))],
    np.correlate: [(np.correlate, (5,), (3,)), (lambda a, v: np.correlate(a, v, "full"), (3,), (2,))],
    L.matmul: [(L.matmul, (2, 3), (3, 2))],
    L.vecdot: [(L.vecdot, (2, 3), (3,))],
    L.outer: [(L.outer, (2,), (3,))],
    L.tensordot: [(lambda a, b: L.tensordot(a, b, axes=1), (2, 3), (3, 2))],
    L.cross: [(L.cross, (3,), (3,))],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)
