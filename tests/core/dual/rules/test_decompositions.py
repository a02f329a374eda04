"""Functions that decompose matrices and measure them: to second order against differences."""

import numpy as np

from dualtrain.core.dual import check_derivatives

L = np.linalg

CASES = {
    L.svd: [
        (lambda a: [part**2 for part in L.svd(a, full_matrices=False)], (3, 2)),
        (lambda a: [part**2 for part in L.svd(a, full_matrices=False)], (2, 2, 3)),
        (lambda a: L.svd(a).S, (2, 2)),
        (lambda a: L.svd(a, compute_uv=False), (3, 3)),
    ],
    L.svdvals: [(L.svdvals, (2, 3, 2))],
    L.qr: [
        (lambda a: tuple(L.qr(a)), (4, 2)),
        (lambda a: tuple(L.qr(a)), (2, 2, 3)),
        (lambda a: L.qr(a, "r"), (3, 3)),
    ],
    L.norm: [
        *[(lambda x, o=o: L.norm(x, o), (5,)) for o in (None, 1, 2, 3, 0, np.inf, -np.inf)],
        *[(lambda x, o=o: L.norm(x, o), (3, 2)) for o in (None, "fro", "nuc", 1, -1, 2, -2, np.inf, -np.inf)],
        (lambda x: L.norm(x, axis=1, keepdims=True), (2, 3)),
        (lambda x: L.norm(x, "nuc", axis=(0, 2)), (2, 3, 2)),
    ],
    L.vector_norm: [(L.vector_norm, (2, 3)), (lambda x: L.vector_norm(x, axis=0, ord=3, keepdims=True), (2, 3))],
    L.matrix_norm: [(L.matrix_norm, (2, 3, 2)), (lambda x: L.matrix_norm(x, ord=2, keepdims=True), (3, 2))],
    L.cond: [(L.cond, (3, 3)), (lambda x: L.cond(x, 1), (3, 3)), (lambda x: L.cond(x, -2), (3, 2))],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)
