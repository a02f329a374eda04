"""Functions that take differences, integrals and parts: to second order against differences."""

import numpy as np

from core.dual import check_derivatives

WHOLE = np.arange(6).reshape(2, 3)

CASES = {
    np.diff: [
        (np.diff, (2, 4)),
        (lambda x: np.diff(x, 2, 0), (4, 2)),
        (lambda x, y: np.diff(x, prepend=0, append=y), (3,), (2,)),
    ],
    np.ediff1d: [(np.ediff1d, (2, 3)), (lambda x: np.ediff1d(x, [1, 2], 3), (3,))],
    np.trapezoid: [(np.trapezoid, (2, 4)), (lambda y, x: np.trapezoid(y, x, axis=0), (3, 2), (3,))],
    np.gradient: [(np.gradient, (3, 4)), (lambda x: np.gradient(x, 0.5, axis=1, edge_order=2), (2, 4))],
    np.interp: [
        (lambda x: np.interp(x, [-1, 0, 0.7, 5], [1, 3, 0, 2.0], left=-1, right=4), (2, 3)),
        (lambda x, y: np.interp(x, np.sort(y), y * y), (4,), (3,)),
    ],
    np.sinc: [(np.sinc, (2, 3)), (lambda x: np.sinc(x * 0), (3,)), (lambda x: np.sinc(x / 20), (3,))],
    np.unwrap: [(lambda x: np.unwrap(7 * x), (2, 4))],
    np.nan_to_num: [(lambda x: np.nan_to_num(np.where(WHOLE == 1, np.nan, x), nan=3.0), (2, 3))],
    np.angle: [(np.angle, (3,)), (lambda x: np.angle(x + 1j * np.ones(3), deg=True), (3,))],
    np.real: [(np.real, (3,)), (lambda x: np.real(x * (1 + 2j) * x), (3,))],
    np.imag: [(lambda x: np.imag(x * (1 + 2j) * x), (3,))],
    np.real_if_close: [(lambda x: np.real_if_close(x * (1 + 0j)), (3,))],
    np.cov: [
        (np.cov, (3, 4)),
        (lambda x, y: np.cov(x, y, bias=True), (4,), (4,)),
        (lambda x: np.cov(x, rowvar=False), (4, 2)),
    ],
    np.corrcoef: [(np.corrcoef, (3, 4))],
    np.linspace: [
        (lambda a, b: np.linspace(a, b, 4), (), ()),
        (lambda a: np.linspace(a, 1.0, 3, endpoint=False, axis=1), (2,)),
    ],
    np.logspace: [(lambda a: np.logspace(a, 1.0, 3), ())],
    np.geomspace: [(lambda a: np.geomspace(np.exp(a), 2.0, 4), ())],
    np.bincount: [(lambda w: np.bincount([0, 2, 2, 1], w, 5), (4,))],
    np.piecewise: [(lambda x: np.piecewise(x, [x < 0, x >= 1], [np.sin, 2.0, lambda y: y**3]), (2, 3))],
    np.apply_along_axis: [
        (lambda x: np.apply_along_axis(np.prod, 0, x), (3, 2)),
        (lambda x: np.apply_along_axis(lambda r: r[:2] * r[1:], 0, x), (3, 2)),
    ],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)
