"""jvp, derivative, gradient, jacobian, hessian; nesting."""

import numpy as np
import pytest

from core.dual import derivative, gradient, hessian, jacobian, jvp, rule


def network(p):
    """A little network with shared shapes, as its author would write it for plain arrays."""
    x = np.linspace(-1, 1, 20).reshape(4, 5)
    hidden = np.tanh(x @ p[:15].reshape(5, 3) + p[15:18])
    logits = hidden @ p[18:].reshape(3, 2)
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return np.mean(np.log(np.sum(np.exp(shifted), axis=-1)) - shifted[:, 0])


@pytest.fixture
def parameters():
    return np.random.default_rng(0).normal(size=24)


def differences(f, x, step=1e-6):
    return np.stack([(f(x + step * e) - f(x - step * e)) / (2 * step) for e in np.eye(len(x))], axis=-1)


@pytest.mark.parametrize("chunk_size", [None, 1, 4, 7, 24])
def test_gradient_of_a_network_in_any_chunks(parameters, chunk_size):
    found = jacobian(network, chunk_size)(parameters)
    np.testing.assert_allclose(found, differences(network, parameters), atol=1e-8)


def test_hessian_of_a_network(parameters):
    found = hessian(network)(parameters)
    np.testing.assert_allclose(found, differences(gradient(network), parameters), atol=1e-7)
    np.testing.assert_allclose(found, found.T, atol=1e-14)


def test_perturbations_of_nested_derivatives_are_not_confused():
    assert derivative(lambda x: x * derivative(lambda y: x + y)(1.0))(1.0) == 1
    assert derivative(lambda x: x * derivative(lambda y: x * y)(2.0))(4.0) == 8


def test_nested_rule_of_ones_own():
    @rule(lambda tangent, out, x: 4 * x * x * x * tangent)
    def fourth_power(x):
        return x * x * x * x

    first = jacobian(fourth_power)
    second = jacobian(first)
    third = jacobian(second)
    assert [first(3.0), second(3.0), third(3.0)] == [108, 108, 72]


def test_a_constant_function_has_zeros_in_its_shape():
    value, tangent = jvp(lambda x: np.ones((2, 3)), (1.0,), (np.ones(5),))
    assert value.shape == (2, 3)
    np.testing.assert_array_equal(tangent, np.zeros((5, 2, 3)))
