"""The methods of ufuncs, and ufuncs with two results: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives
from dualtrain.core.dual.rules.elementwise import RULES
from dualtrain.core.dual.rules.methods import METHODS


def added_at(x, v):
    out = x * 2
    np.add.at(out, [0, 2, 0], v)
    np.subtract.at(out, (slice(None),), v[0])
    return out


CASES = {
    **{
        (ufunc, "reduce"): [lambda x, u=ufunc: u.reduce(x), lambda x, u=ufunc: u.reduce(x, axis=-1, keepdims=True)]
        for ufunc in (np.add, np.multiply, np.maximum, np.minimum, np.fmax, np.fmin, np.logaddexp)
    },
    **{
        (ufunc, "accumulate"): [lambda x, u=ufunc: u.accumulate(x), lambda x, u=ufunc: u.accumulate(x, axis=1)]
        for ufunc in (np.add, np.multiply, np.maximum, np.minimum)
    },
    (np.add, "at"): [lambda x: added_at(x[0], x[1])],
    (np.subtract, "at"): [lambda x: added_at(x[1], x[0])],
    (np.add, "reduceat"): [
        lambda x: np.add.reduceat(x, [0, 2], axis=1),
        lambda x: np.add.reduceat(x, [0, 1]),
    ],
}
FORMS = [(f"{ufunc.__name__}.{method}", call) for (ufunc, method), calls in CASES.items() for call in calls]


@pytest.mark.parametrize(("name", "call"), FORMS)
def test_methods(name, call):
    check_derivatives(call, np.random.default_rng(1).normal(size=(2, 3)))


@pytest.mark.parametrize(("name", "call"), FORMS)
def test_float32(name, call, check_types):
    check_types(call, np.random.default_rng(1).normal(size=(2, 3)))


def test_every_method_has_a_case():
    assert set(CASES) == set(METHODS)


@pytest.mark.parametrize("ufunc", [u for u in RULES if u.nin == 2 and u is not np.ldexp], ids=lambda u: u.__name__)
def test_outer(ufunc):
    """Each element of the one with each of the other, as broadcasting has it."""
    a, b = DualTensor([0.5, 1.5], [1.0, 2.0]), DualTensor([[0.7], [2.5]], [[3.0], [1.0]])
    found, expected = ufunc.outer(a, b), ufunc(a[:, None, None], b)
    np.testing.assert_array_equal(found.tangent, expected.tangent)
    np.testing.assert_array_equal(found.primal, ufunc.outer(a.primal, b.primal))


def test_two_results():
    x = np.array([1.7, -2.3])
    check_derivatives(lambda x: np.modf(x)[0], x)
    check_derivatives(lambda x: np.frexp(x)[0], x)
    check_derivatives(lambda x, y: np.divmod(x, y)[1], x, np.array([0.4, 0.7]))
    assert type(np.modf(DualTensor(x, x))[1]) is np.ndarray
    assert np.frexp(DualTensor(x, x))[1].tolist() == [1, 2]
    assert type(np.divmod(DualTensor(x, x), 2.0)[0]) is np.ndarray


def test_products_that_are_ufuncs():
    a, b, v = (np.random.default_rng(2).normal(size=shape) for shape in ((2, 3, 4), (4, 2), (4,)))
    check_derivatives(np.matmul, a, b)
    check_derivatives(np.matmul, a, v)
    check_derivatives(np.matmul, v, b)
    check_derivatives(np.matmul, v, v + 1)
    check_derivatives(np.matmul, v, np.stack([b, b]))
    check_derivatives(np.matmul, b.T, np.stack([b, b]))
    check_derivatives(np.vecdot, a, v)
    check_derivatives(lambda a, b: np.vecdot(a, b, axis=0), b, b[:, :1])
    check_derivatives(np.matvec, a, v)
    check_derivatives(np.vecmat, v, b)
    check_derivatives(np.conjugate, v)
    assert np.vecdot(DualTensor([1 + 2j], [1j]), [3j]).tangent == np.vecdot([1j], [3j])


def test_running_maximum_of_a_tie_takes_the_last():
    assert np.maximum.accumulate(DualTensor([1.0, 1.0, 0.0], [1.0, 2.0, 3.0])).tangent.tolist() == [1, 2, 2]
