"""Taylor series: the derivatives of nested calls, for the price of few."""

import math

import numpy as np
import pytest

from dualtrain.core.dual import derivative, jacobian, taylor

X, V = np.array([0.3, 0.6, 0.9]), np.array([1.0, -0.5, 2.0])
A = np.array([[2.0, 0.5, 0.1], [0.3, 3.0, 0.2], [0.0, 0.4, 2.5]])

FUNCTIONS = {
    "arithmetic": lambda x: (x * x - 3 / x + 2) / (1 + x),
    "powers": lambda x: x**5 + x**0.5 + x**-1.5 + 2.0**x,
    "exponential": lambda x: np.exp(np.sin(x)) * np.cos(x),
    "logarithms": lambda x: np.log1p(x) * np.log(x),
    "trigonometric": lambda x: np.tan(x) + np.arcsin(x / 2) * np.arctan(x),
    "hyperbolic": lambda x: np.tanh(x) * np.cosh(x),
    "roots": lambda x: np.sqrt(x) * np.cbrt(x) + np.hypot(x, 1.0),
    "two arguments": lambda x: np.arctan2(x, x[::-1]),
    "sums": lambda x: np.sum(x**2) * np.mean(np.exp(x)),
    "softmax": lambda x: np.exp(x) / np.sum(np.exp(x)),
    "products": lambda x: A @ x * (x @ A),
    "dot": lambda x: np.dot(x, x) ** 3,
    "outer": lambda x: np.outer(x, np.sin(x)),
    "norm": lambda x: np.linalg.norm(x),
    "variance": lambda x: np.var(x) + np.std(x),
    "prod": lambda x: np.prod(np.sin(x)),
    "solve": lambda x: np.linalg.solve(A + np.outer(x, x), np.exp(x)),
    "inverse": lambda x: np.linalg.inv(A * x),
    "einsum": lambda x: np.einsum("i,ij,j->", x, A, np.exp(x)),
    "shapes": lambda x: np.stack([x, x * x]).T.reshape(-1)[1:],
    "where": lambda x: np.where(x > 0.5, x**3, np.sin(x)),
    "maximum": lambda x: np.maximum(x, 0.5) ** 2 + np.max(x * x),
    "sorted": lambda x: np.sort(-x * x),
    "concatenated": lambda x: np.concatenate([x, np.cumsum(x * x)]),
    "written": lambda x: _filled(x),
    "constant": lambda x: np.ones(2) * np.floor(x[0]),
}


def _filled(x):
    out = np.zeros_like(x)
    out[:2] = np.exp(x[:2])
    out[2] = x[0] * x[1]
    return out * x


@pytest.mark.parametrize("name", FUNCTIONS)
def test_coefficients_are_those_of_nested_derivatives(name):
    f = FUNCTIONS[name]
    found = taylor(f, X, V, order=4)
    g = lambda t: f(X + t * V)  # noqa: E731
    np.testing.assert_allclose(found[0], f(X), rtol=1e-15)
    for k in range(1, 5):
        g = derivative(g)
        np.testing.assert_allclose(found[k] * math.factorial(k), g(0.0), rtol=1e-9, atol=1e-9)


def test_the_order_costs_no_power_of_two():
    calls = []

    def f(x):
        calls.append(1)
        return np.exp(np.sin(x)) + np.tanh(x)

    found = taylor(f, 0.1, order=20)
    assert len(calls) == 1 and found.shape == (21,)
    step = 0.05
    np.testing.assert_allclose(np.polyval(found[::-1], step), f(0.1 + step), rtol=1e-14)


def test_results_in_containers_and_derivatives_of_series():
    parts = taylor(lambda x: {"sin": np.sin(x), "one": 1.0}, 0.0, order=3)
    np.testing.assert_allclose(parts["sin"], [0, 1, 0, -1 / 6])
    assert parts["one"].tolist() == [1, 0, 0, 0]
    slopes = jacobian(lambda x: taylor(np.exp, x, order=2))(np.array([0.5]))
    np.testing.assert_allclose(slopes[:, 0, 0], np.exp(0.5) / np.array([1, 1, 2]))


@pytest.mark.parametrize("f", [np.linalg.det, np.linalg.eigvalsh, np.cumprod, np.multiply.accumulate])
def test_functions_without_series_are_refused(f):
    with pytest.raises(TypeError, match="taylor has no rule"):
        taylor(f, A)
    with pytest.raises(ValueError, match="order of 1 or more"):
        taylor(np.sin, 1.0, order=0)
