"""Calls in every form that NumPy and Python take: by position, with unset options, of Python's numbers."""

import math

import numpy as np
import pytest

from dualtrain.core.dual import DualNumber, derivative, jacobian, jvp

X = np.array([0.3, -1.2, 0.7])

CALLS = {
    "imaginary times scalar": lambda x: 1j * x[0],
    "scalar times complex": lambda x: np.sum(x) * (2 + 1j),
    "complex over scalar": lambda x: (1 + 1j) / x[0],
    "scalar over complex": lambda x: x[0] / (1 + 1j),
    "scalar plus imaginary": lambda x: x[0] - x[1] + 1j * x[2],
    "power of complex": lambda x: (1 + 1j) ** x[0],
    "exponential": lambda x: np.exp(1j * x[0]),
    "unset prepend": lambda x: np.diff(x, prepend=np._NoValue),
    "unset keepdims": lambda x: np.sum(x, keepdims=np._NoValue, initial=np._NoValue),
    "unset by position": lambda x: np.sum(x, 0, None, None, np._NoValue),
    "positions of sum": lambda x: np.sum(x, 0, None, None, True),
    "positions of mean": lambda x: x.mean(0, None, None),
    "positions of clip": lambda x: x.clip(0, 1, None),
    "positions of cumsum": lambda x: np.cumsum(x, 0, None, None),
    "positions of max": lambda x: np.max(x, 0, None, True),
    "positions of quantile": lambda x: np.quantile(x, 0.3, 0, None, False, "linear", True),
    "positions of take": lambda x: np.take(x, [0, 1], 0, None, "wrap"),
    "pad of a scalar": lambda x: np.pad(np.sum(x), 1),
    "take of a scalar": lambda x: np.take(np.sum(x), [0, 0]),
    "cumsum of a scalar": lambda x: np.cumsum(np.sum(x), 0),
    "choices of an index": lambda x: np.choose([0, 1, 0], [x, 0.5]),
    "gradient of a vector": lambda x: np.gradient(x),
}


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_calls_are_numpys(call):
    value, tangent = jvp(call, (X,), (np.ones(3),))
    expected = call(X)
    np.testing.assert_allclose(value, expected, rtol=1e-14)
    assert np.asarray(value).dtype == np.asarray(expected).dtype and np.shape(tangent) == np.shape(expected)
    slope = (np.asarray(call(X + 1e-6)) - np.asarray(call(X - 1e-6))) / 2e-6
    np.testing.assert_allclose(tangent, slope, rtol=1e-6, atol=1e-8)
    np.testing.assert_allclose(jacobian(call)(X).sum(-1), slope, rtol=1e-6, atol=1e-8)


@pytest.mark.filterwarnings("ignore:Arrays of 2-dimensional vectors:DeprecationWarning")
def test_cross_products_in_the_plane():
    def crossed(x):
        return np.cross(x[:2], x[1:])

    value, tangent = jvp(crossed, (X,), (np.ones(3),))
    assert value == crossed(X) == X[0] * X[2] - X[1] * X[1]
    np.testing.assert_allclose(tangent, X[0] + X[2] - 2 * X[1])
    np.testing.assert_allclose(jvp(lambda x: np.cross(x[:2], x), (X,), (X,))[0], np.cross(X[:2], X))


def test_a_float32_result_is_numpys():
    x = np.array([1, 2], np.float32)
    calls = [
        lambda x: np.insert(x, 0, 0.3), lambda x: np.select([x > 1], [x], 0.3), lambda x: np.choose([0, 1], [x, 0.3]),
        lambda x: np.dot(x, 0.5), lambda x: np.inner(x, 0.5), lambda x: np.add.outer(x, 0.5),
        lambda x: np.clip(0.5, x, 2.0), lambda x: np.clip(x, 0.5, 2.0), lambda x: np.kron(x, 0.5),
        lambda x: np.vdot(x, [0.5, 0.5]), lambda x: np.outer(x, 0.5), lambda x: np.insert(x, 0, np.float64(0.3)),
    ]  # fmt: skip
    for call in calls:
        value, tangent = jvp(call, (x,), (x,))
        assert value.dtype == tangent.dtype == call(x).dtype


def test_eigenvectors_of_the_upper_triangle_are_numpys():
    for a in np.random.default_rng(0).normal(size=(20, 4, 4)):
        for triangle in "LUlu":
            values, vectors = jvp(lambda a, t=triangle: tuple(np.linalg.eigh(a, t)), (a,), (a,))[0]
            np.testing.assert_array_equal(values, np.linalg.eigh(a, triangle)[0])
            np.testing.assert_array_equal(vectors, np.linalg.eigh(a, triangle)[1])


def test_a_value_is_formatted_and_rounded():
    texts, rounded = [], []

    def f(x):
        texts.append(f"{x[0]:.3f} {x[0]}")
        rounded.append((round(x[0], 1), round(x[0]), math.floor(x[0]), math.ceil(x[0]), math.trunc(x[1])))
        return x[0] * 2

    assert derivative(lambda t: f(np.stack([t, -1.2 * t])))(1.26) == 2
    assert texts[0].startswith("1.260 DualTensor(") and rounded == [(1.3, 1, 1, 2, -1)]
    assert f"{DualNumber(0.25, 1.0):.1f}" == "0.2" and round(DualNumber(0.26, 1), 1) == 0.3


def test_functions_are_nan_where_their_values_are():
    special = pytest.importorskip("scipy.special")
    value, tangent = jvp(special.loggamma, (np.array([-6.46, 2.0]),), (np.ones(2),))
    assert np.isnan(value).tolist() == np.isnan(tangent).tolist() == [True, False]
