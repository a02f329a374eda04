"""Assigning into duals: functions that do to second order against differences, and where tangents go."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives, jacobian, jvp
from tests.core.dual.squares import INDICES, X, dual, is_square

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
        assert (x.primal.tolist(), x.tangent.tolist()) == ([0, 1, 2], [1, 1, 1])


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("axes", [(), (2,), (3, 2)])
def test_assignment_at_every_kind_of_index(index, axes):
    value = dual(100 + X[index], axes)
    for target in (dual(axes=axes), np.zeros_like(dual(axes=axes))):
        target[index] = value
        expected = target.primal.copy()
        expected[index] = X[index] + 100
        np.testing.assert_array_equal(target.primal, expected)
        assert is_square(target, axes)


def test_assignment_broadcasts_and_constants_have_no_tangent():
    x = dual()
    x[:, 0] = dual(np.arange(4.0))
    x[:, 1] = 0
    x[:, 2] = np.zeros(4)
    assert is_square(x)


def into(x, value):
    x[...] = value


@pytest.mark.parametrize(
    "write",
    [
        lambda x: x.__imul__(1j),
        lambda x: np.multiply(x, 1j, out=x),
        lambda x: np.multiply(1j, [1.0, 2.0], out=x),
        lambda x: np.multiply(x, 1j, out=x, where=[True, False]),
        lambda x: np.cumsum(x * 1j, out=x),
        lambda x: into(x, x * 1j),
        lambda x: into(x[:1], 1j),
        lambda x: np.put(x, 0, x * 1j),
    ],
)
def test_imaginary_parts_are_not_dropped(write):
    x = dual(np.array([1.0, 2.0]))
    with pytest.raises(TypeError, match="casting='same_kind' makes no float64 of complex128: convert it first"):
        write(x)
    assert is_square(x) and x.primal.tolist() == [1, 2]


def test_assignment_through_a_view_reaches_the_whole():
    x = dual()
    x[0][1] = dual(np.arange(4.0))
    x.T[0, 0, 0] = 0
    assert is_square(x) and x.primal[0, 1, 3] == 3


def test_a_buffer_rises_to_the_level_of_what_is_assigned():
    def f(x):
        out = np.zeros_like(x)

        def g(y):
            inner = np.zeros_like(x)
            inner[0] = y * x[1]
            inner[1] = x[0] * x[0]
            return inner * y

        out[:] = jvp(g, (x[0],), (1.0,))[1]
        return out

    np.testing.assert_allclose(jacobian(f)(np.array([0.7, 1.3])), [[2.6, 1.4], [1.4, 0]])


def test_a_function_that_fills_a_buffer():
    def f(x):
        out = np.empty_like(x)
        out[0] = x[0]
        for i in range(1, len(x)):
            out[i] = out[i - 1] * np.sin(x[i])
        out[1:] += x[:-1] * 2
        out *= x
        return out

    check_derivatives(f, np.array([0.7, 1.3, -0.4]))
