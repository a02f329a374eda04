"""Functions that move, repeat and pick elements by their place: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives

L = np.linalg

CASES = {
    np.reshape: [(lambda x: np.reshape(x, (3, 2)), (2, 3)), (lambda x: np.reshape(x, -1, order="F"), (2, 3))],
    np.ravel: [(np.ravel, (2, 3)), (lambda x: np.ravel(x, "F"), (3, 2))],
    np.squeeze: [(np.squeeze, (1, 3, 1)), (lambda x: np.squeeze(x, 0), (1, 3, 1))],
    np.expand_dims: [(lambda x: np.expand_dims(x, 1), (2, 3)), (lambda x: np.expand_dims(x, (0, -1)), (3,))],
    np.atleast_1d: [(np.atleast_1d, ()), (np.atleast_1d, (3,))],
    np.atleast_2d: [(np.atleast_2d, (3,))],
    np.atleast_3d: [(np.atleast_3d, (2, 3)), (np.atleast_3d, (3,))],
    np.transpose: [
        (np.transpose, (2, 3, 4)),
        (lambda x: np.transpose(x, (1, 2, 0)), (2, 3, 4)),
        (np.transpose, (3,)),
    ],
    np.swapaxes: [(lambda x: np.swapaxes(x, 0, 2), (2, 3, 4))],
    np.moveaxis: [
        (lambda x: np.moveaxis(x, 0, -1), (2, 3, 4)),
        (lambda x: np.moveaxis(x, (0, 1), (2, 0)), (2, 3, 4)),
    ],
    np.rollaxis: [(lambda x: np.rollaxis(x, 2), (2, 3, 4))],
    np.broadcast_to: [(lambda x: np.broadcast_to(x, (2, 3)), (3,)), (lambda x: np.broadcast_to(x, (2, 3)), (2, 1))],
    np.copy: [(np.copy, (2, 3))],
    np.astype: [(lambda x: np.astype(x, float), (3,))],
    np.flip: [(np.flip, (2, 3)), (lambda x: np.flip(x, 1), (2, 3)), (lambda x: np.flip(x, (0, 1)), (2, 3, 2))],
    np.fliplr: [(np.fliplr, (2, 3))],
    np.flipud: [(np.flipud, (2, 3))],
    np.rot90: [(np.rot90, (2, 3)), (lambda x: np.rot90(x, 2, (1, 2)), (2, 3, 3))],
    np.roll: [(lambda x: np.roll(x, 2), (2, 3)), (lambda x: np.roll(x, (1, 2), (0, 1)), (2, 3))],
    np.tile: [(lambda x: np.tile(x, 2), (3,)), (lambda x: np.tile(x, (2, 1, 2)), (2, 3))],
    np.resize: [(lambda x: np.resize(x, (3, 3)), (2, 3))],
    np.repeat: [(lambda x: np.repeat(x, 2), (2, 3)), (lambda x: np.repeat(x, [1, 0, 2], axis=1), (2, 3))],
    np.diagonal: [(np.diagonal, (3, 4)), (lambda x: np.diagonal(x, 1, 1, 2), (2, 3, 3))],
    np.trace: [(np.trace, (3, 3)), (lambda x: np.trace(x, -1, 0, 2), (3, 2, 3))],
    np.diag: [(np.diag, (3, 3)), (lambda x: np.diag(x, 1), (3,))],
    np.diagflat: [(np.diagflat, (2, 2)), (lambda x: np.diagflat(x, -1), (3,))],
    np.tril: [(np.tril, (3, 3)), (lambda x: np.tril(x, 1), (2, 3, 4))],
    np.triu: [(np.triu, (3, 3)), (lambda x: np.triu(x, -1), (4, 3))],
    np.matrix_transpose: [(np.matrix_transpose, (2, 3, 4))],
    L.matrix_transpose: [(L.matrix_transpose, (2, 3))],
    L.diagonal: [(L.diagonal, (2, 3, 3)), (lambda x: L.diagonal(x, offset=1), (3, 3))],
    L.trace: [(L.trace, (2, 3, 3))],
    np.lib.stride_tricks.sliding_window_view: [
        (lambda x: np.lib.stride_tricks.sliding_window_view(x, 3), (5,)),
        (lambda x: np.lib.stride_tricks.sliding_window_view(x, 2, axis=0), (3, 2)),
    ],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


LAYOUTS = [lambda x: x, np.transpose, lambda x: np.moveaxis(x, 0, 1)[::-1], lambda x: x[:, ::2], lambda x: x[0, 0]]


@pytest.mark.parametrize("order", ["C", "F", "A", "K"])
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("of_tangent", ["C", "F"])
def test_orders_are_those_of_the_value(order, layout, of_tangent):
    """A tangent may lie in memory in another way than the value."""
    value = layout(np.arange(24.0).reshape(2, 3, 4))
    x = DualTensor(value, np.array(value, order=of_tangent))
    calls = [lambda x: np.ravel(x, order), lambda x: x.ravel(order)]
    if order != "K":
        calls.append(lambda x: np.reshape(x, -1, order))
    for call in calls:
        np.testing.assert_array_equal(call(x).primal, call(value))
        np.testing.assert_array_equal(call(x).tangent, call(value))
