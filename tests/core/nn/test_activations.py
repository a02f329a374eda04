from math import erf, exp, log1p, sqrt, tanh

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dualtrain.core.dual import derivative
from dualtrain.core.nn import ACTIVATIONS
from dualtrain.core.nn.activations import ActivationName

FORMULAS = {
    "identity": lambda x: x,
    "relu": lambda x: max(x, 0.0),
    "leaky-relu": lambda x: x if x > 0 else 0.01 * x,
    "tanh": tanh,
    "sigmoid": lambda x: 1 / (1 + exp(-x)),
    "softplus": lambda x: log1p(exp(x)),
}


@pytest.mark.parametrize("name", FORMULAS)
@given(x=st.floats(-30, 30))
def test_values_are_those_of_the_formula(name: ActivationName, x: float) -> None:
    assert_allclose(ACTIVATIONS[name](np.array(x)), FORMULAS[name](x), rtol=1e-12, atol=1e-15)


@given(st.floats(-6, 6))
def test_gelu_is_close_to_the_exact_one(x: float) -> None:
    assert abs(ACTIVATIONS["gelu"](x) - x * (1 + erf(x / sqrt(2))) / 2) < 1e-3


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
@given(x=st.floats(-5, 5).filter(lambda x: abs(x) > 1e-3))
def test_derivatives_are_central_differences(name: ActivationName, x: float) -> None:
    activation, h = ACTIVATIONS[name], 1e-5
    difference = (activation(np.array(x + h)) - activation(np.array(x - h))) / (2 * h)
    assert_allclose(derivative(activation)(x), difference, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize(("name", "slope"), [("relu", 0.0), ("leaky-relu", 0.01)])
def test_the_slope_at_zero_is_the_one_from_below(name: ActivationName, slope: float) -> None:
    assert derivative(ACTIVATIONS[name])(0.0) == slope


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_nothing_overflows(name: ActivationName) -> None:
    extremes = np.array([-1e4, 0.0, 1e4], np.float32)
    values = ACTIVATIONS[name](extremes)
    assert np.isfinite(values).all()
    assert values.dtype == np.float32


@given(st.lists(st.floats(-50, 50), min_size=1, max_size=6), st.floats(-1000, 1000))
def test_softmax_adds_up_to_one_and_ignores_shifts(row: list[float], shift: float) -> None:
    probabilities = ACTIVATIONS["softmax"](np.array([row]))
    assert_allclose(probabilities.sum(), 1.0, rtol=1e-12)
    assert_allclose(ACTIVATIONS["softmax"](np.array([row]) + shift), probabilities, rtol=1e-9, atol=1e-12)
