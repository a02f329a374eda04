"""Views of duals: whatever is assigned to one of those that share elements, all of them hold, in value and tangent."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualtrain.core.dual import DualTensor, check_derivatives, gradient, hessian, jacobian

X = np.array([[0.7, 1.3, -0.4], [0.2, -1.1, 0.9]])
START = {
    "scaled": lambda x: x * 1.5,
    "zeros": np.zeros_like,
    "cast": lambda x: np.zeros_like(x).astype(float, copy=False),
    "stack": lambda x: np.stack([x, np.ones_like(x)]),
    "fortran": lambda x: np.reshape(x, (3, 2), order="F").copy(),
}
VIEW = {
    "slice": lambda a: a[:-1] if len(a) > 1 else a[:],
    "reversed": lambda a: a[..., ::-1],
    "row": lambda a: a[0],
    "transposed": lambda a: a.T,
    "columns": lambda a: a.T.reshape(-1),
    "flat": lambda a: a.reshape(-1),
    "expanded": lambda a: np.expand_dims(a, 0),
    "rolled": lambda a: np.rollaxis(a, -1),
    "turned": lambda a: np.rot90(np.atleast_2d(a)),
    "split": lambda a: np.split(a, [1])[0],
    "iterated": lambda a: next(iter(a)),
}
ASSIGN = {
    "constant": lambda a, b: a.__setitem__(..., 0.3),
    "mean": lambda a, b: a.__setitem__(..., np.sin(np.mean(b**2))),
    "first": lambda a, b: a.__setitem__(slice(0, 1), np.sin(np.mean(b)) * a[:1]),
    "sine": lambda a, b: a.__setitem__(..., np.sin(a)),
    "times": lambda a, b: np.multiply(a, np.cos(np.mean(b)), out=a),
    "add": lambda a, b: np.add.at(a, [0, 0], np.sin(np.mean(b**2))),
    "fill": lambda a, b: a.fill(np.cos(np.mean(b))),
}
place = st.integers(0, 9)
STEPS = st.lists(
    st.tuples(st.sampled_from([*START, *VIEW]), place) | st.tuples(st.sampled_from([*ASSIGN]), place, place),
    max_size=12,
)


def result(steps, x):
    """A number that depends on all that the steps made of x: new arrays, views of them, and what was assigned."""
    made = [x * 2]
    for name, *places in steps:
        one, *other = (made[place % len(made)] for place in places)
        if name in START:
            made.append(START[name](x))
        elif np.ndim(one) and name in VIEW:
            made.append(VIEW[name](one))
        elif np.ndim(one):
            ASSIGN[name](one, *other)
    return sum(k * np.sum(array**2) for k, array in enumerate(made, 1))


@settings(deadline=None, max_examples=300)
@given(STEPS)
def test_drawn_programs(steps):
    check_derivatives(lambda x: result(steps, x), X)


def test_a_view_of_a_buffer_makes_the_buffer_a_dual():
    def f(x):
        out = np.zeros_like(x)
        view = out[:2]
        view += x[:2]
        out[[2]] *= x[2:]
        return out

    np.testing.assert_array_equal(jacobian(f)(np.ones(3)), np.diag([1.0, 1, 0]))


def test_a_view_shows_what_is_assigned_to_the_whole():
    def f(x):
        out = np.zeros_like(x)
        view = out[1:]
        out[...] = x**3
        return np.sum(view)

    np.testing.assert_allclose(hessian(f)(np.array([1.0, 2.0, 3.0])), np.diag([0.0, 12, 18]))


def test_a_view_lifts_the_whole_to_a_higher_level():
    def f(x):
        def g(z):
            out = x * 1.0
            view = out[1:]
            view[...] = z[1:] * 5
            return np.sum(out)

        return np.sum(jacobian(g)(np.ones(3)) * x)

    np.testing.assert_array_equal(gradient(f)(np.array([1.0, 2.0, 3.0])), [0, 5, 5])


def test_a_view_of_a_dual_that_somebody_made_takes_what_jvp_pushes():
    def f(z):
        out = DualTensor(np.zeros(3), np.zeros(3))
        view = out[1:]
        view[...] = z[1:]
        return out

    np.testing.assert_array_equal(jacobian(f)(np.ones(3)).real, np.diag([0.0, 1, 1]))


def test_a_view_keeps_the_whole_alive_and_is_not_kept_by_it():
    whole = DualTensor(np.zeros(4), np.zeros(4))
    views = [whole[i:] for i in range(4)]
    assert len(whole.views) == 4
    del views[1:]
    assert len(whole.views) == 1
    del whole
    views[0][0] = DualTensor([1.0], [2.0])[0]
    assert views[0].tangent[0] == 2


@pytest.mark.parametrize("copied", [lambda a: a[[0, 1]], lambda a: a.copy(), lambda a: a * 1])
def test_copies_are_apart(copied):
    whole = DualTensor(np.zeros(3), np.zeros(3))
    copied(whole)[0] = DualTensor([1.0], [1.0])[0]
    np.testing.assert_array_equal([whole.primal, whole.tangent], np.zeros((2, 3)))
