"""Functions that assign into duals: to second order against differences."""

import numpy as np
import pytest

from core.dual import DualTensor, check_derivatives

WHOLE = np.arange(6).reshape(2, 3)


def filled(function):
    """A function that assigns in place, as one that returns what it assigned into."""

    def call(x, v):
        out = x * 2
        function(out, v)
        return out

    return call


def copied_into(x, v):
    out = np.zeros_like(x)
    np.copyto(out, v)
    return out * x


CASES = {
    np.zeros_like: [(copied_into, (2, 3), (3,))],
    np.copyto: [(copied_into, (2, 3), (2, 3))],
    np.ones_like: [(lambda x: np.ones_like(x) * x, (3,))],
    np.empty_like: [(lambda x: np.full_like(x, 2.0) * x, (3,))],
    np.full_like: [(lambda x, v: np.full_like(x, v) * x, (3,), ())],
    np.put: [(filled(lambda x, v: np.put(x, [0, 4], v)), (2, 3), (2,))],
    np.place: [(filled(lambda x, v: np.place(x, WHOLE > 2, v)), (2, 3), (2,))],
    np.putmask: [(filled(lambda x, v: np.putmask(x, WHOLE > 2, v)), (2, 3), (2, 3))],
    np.put_along_axis: [(filled(lambda x, v: np.put_along_axis(x, WHOLE[:, :2] % 3, v, axis=1)), (2, 3), (2, 2))],
    np.fill_diagonal: [(filled(np.fill_diagonal), (3, 3), ()), (filled(np.fill_diagonal), (3, 3), (3,))],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


def test_an_assignment_that_fails_changes_nothing():
    x = DualTensor(np.arange(3.0), np.ones(3))
    for index, value in ((slice(1, 3), np.ones(3)), (slice(1, 3), DualTensor(np.ones(3), np.zeros(3))), (7, 1.0)):
        with pytest.raises((ValueError, IndexError)):
            x[index] = value
        assert (x.real.tolist(), x.dual.tolist()) == ([0, 1, 2], [1, 1, 1])
