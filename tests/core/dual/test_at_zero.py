"""Second derivatives at 0 of smooth functions whose parts have none there."""

import numpy as np
import pytest

from dualtrain.core.dual import derivative, gradient, hessian, hvp

FUNCTIONS = {
    "modulus squared": (lambda x: np.abs(x) ** 2, 2),
    "modulus times itself": (lambda x: np.abs(x) * np.abs(x), 2),
    "fabs": (lambda x: np.square(np.fabs(x)), 2),
    "square root of a power": (lambda x: np.sqrt(x**4), 2),
    "norm": (lambda x: np.linalg.norm(np.stack([x, 2 * x])) ** 2, 10),
    "hypotenuse": (lambda x: np.hypot(x, 2 * x) ** 2, 10),
    "deviation": (lambda x: np.std(np.stack([x, -x])) ** 2, 2),
    "complex modulus": (lambda x: np.abs(x + 2j * x) ** 2, 10),
    "product": (lambda x: (lambda r: r * r)(np.sqrt(x * x)), 2),
    "power": (lambda x: np.power(np.sqrt(3 * x * x), 2.0), 6),
    "of a cosine": (lambda x: np.cos(np.abs(x) ** 2) + 8 * np.abs(x) ** 2, 16),
}


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
@pytest.mark.parametrize("name", FUNCTIONS)
def test_second_derivatives(name):
    f, second = FUNCTIONS[name]
    assert derivative(derivative(f))(0.0) == second
    assert derivative(f)(0.0) == 0 and np.isclose(derivative(derivative(f))(0.3), second, rtol=0.15)


@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_hessians_at_a_start_of_zeros():
    def f(x):
        return np.linalg.norm(x) ** 2 + np.sum(np.abs(x) ** 2) + np.hypot(x[0], x[1]) ** 2

    np.testing.assert_allclose(hessian(f)(np.zeros(2)), 6 * np.eye(2))
    np.testing.assert_allclose(hessian(f)(np.array([0.5, 0.0])), 6 * np.eye(2), atol=1e-12)
    np.testing.assert_allclose(hvp(f)(np.zeros(2), np.array([1.0, 2.0])), [6, 12])
    assert gradient(f)(np.zeros(2)).tolist() == [0, 0]


def test_what_is_written_afterwards_counts():
    def of_result(x):
        y = np.abs(x)
        y[...] = x * x
        return np.sum(y**2)

    def of_argument(x):
        v = x * x
        y = np.sqrt(v)
        v += 1
        return np.sum(y**2) + np.sum(v)

    assert hessian(of_result)(np.zeros(1)).tolist() == [[0]]
    with np.errstate(divide="ignore"):
        assert hessian(of_argument)(np.zeros(1))[0, 0] != 4  # the origin is gone, and is not taken for another
