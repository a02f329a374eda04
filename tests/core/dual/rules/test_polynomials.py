"""Polynomials: to second order against differences."""

import numpy as np

from dualtrain.core.dual import DualTensor, check_derivatives

AT = np.array([0.1, 0.4, 0.5, 0.9, 1.3])

CASES = {
    np.polyval: [(np.polyval, (3,), (2, 3)), (lambda x: np.polyval([1, 2, 3], x), (3,))],
    np.polyadd: [(np.polyadd, (3,), (2,))],
    np.polysub: [(np.polysub, (2,), (4,))],
    np.polyder: [(np.polyder, (4,)), (lambda p: np.polyder(p, 2), (4,))],
    np.polyint: [(np.polyint, (3,)), (lambda p: np.polyint(p, 2, k=[5.0, 7.0]), (3,))],
    np.vander: [(np.vander, (3,)), (lambda x: np.vander(x, 4, increasing=True), (3,))],
    np.polymul: [(np.polymul, (3,), (2,))],
    np.roots: [
        (lambda p: np.sort(np.real(np.roots(p))), (4,)),
        (lambda p: np.sort(np.imag(np.roots(p))), (5,)),
        (lambda p: np.roots(p * np.array([1, 1, 0])), (3,)),
    ],
    np.polyfit: [
        (lambda y: np.polyfit(AT, y, 2), (5,)),
        (lambda x, y: np.polyfit(x, y, 1, w=AT), (5,), (5, 2)),
        (lambda y: np.polyfit(AT, y, 1, w=[1, 2, 3, 4, 5]), (5,)),
        (lambda w: np.polyfit(AT, AT**3, 1, w=np.exp(w)), (5,)),
    ],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


def test_a_root_at_zero_moves():
    """x² - x + hε vanishes at hε and at 1 - hε."""
    assert np.sort(np.roots(DualTensor([1.0, -1.0, 0.0], [0.0, 0.0, 1.0]))).tangent.tolist() == [1, -1]
