"""Functions that take differences, integrals and parts: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives, derivative, jvp

WHOLE = np.arange(6).reshape(2, 3)

CASES = {
    np.diff: [
        (np.diff, (2, 4)),
        (lambda x: np.diff(x, 2, 0), (4, 2)),
        (lambda x, y: np.diff(x, prepend=0, append=y), (3,), (2,)),
        (lambda x: np.diff([[1, 2, 3]], axis=0, prepend=x[:1], append=x[1, 0]), (2, 3)),
    ],
    np.ediff1d: [
        (np.ediff1d, (2, 3)),
        (lambda x: np.ediff1d(x, [1, 2], 3), (3,)),
        (lambda x: np.ediff1d([1.0, 2, 4], x, x[:, :1]), (2, 3)),
    ],
    np.trapezoid: [(np.trapezoid, (2, 4)), (lambda y, x: np.trapezoid(y, x, axis=0), (3, 2), (3,))],
    np.gradient: [(np.gradient, (3, 4)), (lambda x: np.gradient(x, 0.5, axis=1, edge_order=2), (2, 4))],
    np.interp: [
        (lambda x: np.interp(x, [-1, 0, 0.7, 5], [1, 3, 0, 2.0], left=-1, right=4), (2, 3)),
        (lambda x, y: np.interp(x, np.sort(y), y * y), (4,), (3,)),
        (lambda x, y: np.interp(x, [-9, 0, 0, 9, 9], y), (4,), (5,)),
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
    np.bincount: [(lambda w: np.bincount([0, 2, 2, 1], w, 5), (4,))],
    np.piecewise: [
        (lambda x: np.piecewise(x, x < 0.5, [np.sin, np.square]), (4,)),
        (lambda x: np.piecewise(x, [x < 0, x >= 1], [np.sin, 2.0, lambda y: y**3]), (2, 3)),
    ],
    np.apply_along_axis: [
        (lambda x: np.apply_along_axis(np.prod, 0, x), (3, 2)),
        (lambda x: np.apply_along_axis(lambda r: r[:2] * r[1:], 0, x), (3, 2)),
    ],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


def test_the_last_node_may_stand_twice():
    values = np.array([1.0, 2.0, 5.0])
    found, slope = jvp(lambda y: np.interp(1.0, [0, 1, 1], y), (values,), (np.array([0.0, 1.0, 3.0]),))
    assert (found, slope) == (np.interp(1.0, [0, 1, 1], values), 3.0)


def test_pieces_as_numpy_has_them():
    def never(x):
        raise AssertionError("nothing is there")

    assert derivative(lambda x: np.piecewise(x, [x < 0, x >= 0], [never, np.square]))(np.array(3.0)) == 6
    with pytest.raises(ValueError, match="with 1 condition"):
        derivative(lambda x: np.piecewise(x, [x < 0], [1, 2, 3]))(np.array(3.0))


def test_the_sign_is_constant_for_real_numbers_only():
    check_derivatives(lambda x: x * np.sign(x), np.array([-0.5, 0.3, 2.0]))
    assert type(np.sign(DualTensor(np.ones(2), np.ones(2)))) is np.ndarray
    with pytest.raises(TypeError, match="sign has no complex derivative"):
        derivative(lambda x: np.real(np.sign(x + 1j)))(1.0)


def test_each_part_of_a_complex_number_is_replaced_alone():
    z, tangent = np.array([complex(1, np.nan), complex(np.inf, 2), 3 + 4j]), np.array([1 + 2j, 3 + 4j, 5 + 6j])
    found, moved = jvp(lambda z: np.nan_to_num(z, nan=7.0, posinf=8.0), (z,), (tangent,))
    np.testing.assert_array_equal(found, np.nan_to_num(z, nan=7.0, posinf=8.0))
    np.testing.assert_array_equal(moved, [1, 4j, 5 + 6j])
