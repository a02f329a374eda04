"""Rules of one's own."""

import math

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives, derivative, elementwise_function, row_function, rule


@rule(lambda t, out, x, y, power=2: power * x ** (power - 1) * y * t, lambda t, out, x, y, power=2: x**power * t)
def scaled_power(x, y, power=2):
    """Of plain arrays only: `math` would refuse duals."""
    return np.vectorize(math.pow)(x, power) * y


@rule(lambda t, out, x, n: n * t, None)
def times(x, n):
    return x * n


@pytest.mark.parametrize("options", [{}, {"power": 3}])
def test_a_rule_with_two_arguments_and_an_option(options):
    check_derivatives(lambda x, y: scaled_power(x, y, **options), np.array([0.5, 2.0]), np.array([1.5, -1.0]))
    assert scaled_power(2.0, 3.0) == 12
    assert scaled_power.__doc__.startswith("Of plain arrays")


def test_a_plain_argument():
    assert derivative(lambda x: times(x, 5))(1.0) == 5
    with pytest.raises(TypeError, match="times has no derivative rule for its argument 1"):
        times(1.0, DualTensor(1.0, 1.0))
    for x in (2.0, DualTensor(2.0, 1.0)):
        with pytest.raises(TypeError, match="scaled_power takes duals by position"):
            scaled_power(x, 1.0, power=DualTensor(2.0, 1.0))
    with pytest.raises(TypeError, match="rules for 2 arguments, got 1"):
        times(DualTensor(1.0, 1.0))


def test_functions_of_elements_and_of_rows():
    x = np.random.default_rng(0).normal(size=(2, 3))
    check_derivatives(elementwise_function(np.tanh, lambda out, x: 1 - out * out), x)
    check_derivatives(row_function(lambda x: np.sum(np.sin(x), axis=-1), np.cos), x)
