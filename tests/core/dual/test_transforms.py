"""jvp, derivative, gradient, jacobian, hessian; nesting."""

import tracemalloc
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from dualtrain.core.dual import check_derivatives, derivative, gradient, hessian, hvp, jacobian, jvp, rule
from dualtrain.core.dual.seeds import (
    equal_chunks,
)


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
    found = jacobian(network, chunk_size=chunk_size)(parameters)
    np.testing.assert_allclose(found, differences(network, parameters), atol=1e-8)


def test_hessian_of_a_network(parameters):
    found = hessian(network)(parameters)
    np.testing.assert_allclose(found, differences(gradient(network), parameters), atol=1e-7)
    np.testing.assert_allclose(found, found.T, atol=1e-14)


def test_an_infinite_second_derivative_stays_where_it_is():
    x = np.array([0.0, 1.0])
    np.testing.assert_array_equal(hessian(lambda x: x[0] ** 1.5 + x[1])(x), [[np.inf, 0], [0, 0]])
    third = jacobian(hessian(lambda x: x[0] ** 2.5 + x[1]))(x)
    np.testing.assert_array_equal(third, [[[np.inf, 0], [0, 0]], [[0, 0], [0, 0]]])


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


def test_arguments_stand_as_in_jax():
    value, tangent = jvp(lambda x, y: (x * y, {"sum": x + y, "constant": 3}), (2.0, 5.0), (1.0, 10.0))
    assert value == (10, {"sum": 7, "constant": 3})
    assert tangent == (25, {"sum": 11, "constant": 0})


def test_named_tuples_come_back():
    value, tangent = jvp(np.linalg.slogdet, (2 * np.eye(2),), (np.eye(2),))
    assert (value.sign, tangent.sign, tangent.logabsdet) == (1, 0, 1)


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: jvp(np.sin, 1.0, 1.0), TypeError, r"a tuple of primals.*jvp\(f, \(x,\), \(v,\)\)"),
        (lambda: jvp(np.sin, (1.0,), ()), ValueError, "1 primals and 0 tangents"),
        (lambda: jvp(np.sin, (np.ones(2),), (np.ones(3),)), ValueError, r"shape \(3,\) does not fit .* \(2,\)"),
        (lambda: derivative(np.sin)(np.ones(2)), ValueError, "perhaps you meant gradient or jacobian"),
        (lambda: gradient(np.sin)(np.ones(2)), ValueError, "perhaps you meant jacobian"),
        (lambda: jacobian(np.sin, chunk_size=0), ValueError, "at least one direction"),
        (lambda: jacobian(np.sin, argnums=1)(np.ones(2)), TypeError, "argnums=1 needs that many arguments"),
        (lambda: jacobian(np.sin, sparsity="guess"), ValueError, 'a pattern or "detect"'),
        (lambda: jvp(np.sin, (np.ones(2),), ([1.0],)), ValueError, "does not fit"),
        (lambda: jvp(lambda p: p["a"], ({"a": 1.0},), ({"b": 1.0},)), ValueError, "has not the structure of the dict"),
        (lambda: jvp(np.sin, (1.0,), (1.0,), has_aux=True), TypeError, "returns a pair"),
        (lambda: jacobian(lambda x: [x], sparsity=np.eye(2))(np.ones(2)), TypeError, "result is a list, not one array"),
        (
            lambda: gradient(lambda x: {"sum": np.sum(x)})(np.ones(2)),
            ValueError,
            "not a dict; perhaps you meant jacobian",
        ),
        (lambda: hvp(lambda x: (x, x))(np.ones(2), np.ones(2)), ValueError, "not a tuple; perhaps"),
        (lambda: jacobian(lambda x: None)(np.ones(2)), TypeError, "result, of type NoneType, is no array of numbers"),
        (lambda: derivative(lambda x: (x, "text"))(1.0), TypeError, "result, of type str, is no array of numbers"),
    ],
)
def test_mistakes_are_named(call, error, message):
    with pytest.raises(error, match=message):
        call()


@pytest.mark.parametrize("shape", [(), (3,), (2, 3), (2, 1, 2)])
@pytest.mark.parametrize("out", [(), (2,), (1, 3)])
def test_jacobians_of_tensors_of_any_shape(shape, out):
    weights = np.random.default_rng(1).normal(size=out + shape)

    def f(x):
        return np.sum(weights * np.sin(x), axis=tuple(range(-len(shape), 0)))

    x = np.random.default_rng(2).normal(size=shape)
    np.testing.assert_allclose(jacobian(f)(x), weights * np.cos(x), rtol=1e-12)
    assert jacobian(f)(x).shape == out + shape
    second = -np.sum(weights, axis=tuple(range(len(out)))) * np.sin(x)
    np.testing.assert_allclose(hvp(lambda x: np.sum(f(x)))(x, np.ones(shape)), second)


def test_seeds_of_ten_thousand_inputs_are_never_an_identity():
    """The gradient of 10,000 inputs; an identity of that size has 800 MB."""
    x = np.ones(10_000)
    tracemalloc.start()
    found = gradient(lambda x: np.sum(x * x))(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    np.testing.assert_array_equal(found, 2 * x)
    assert peak < 150e6


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)], ids=str)
def test_jacobians_of_no_inputs(shape):
    assert jacobian(lambda x: 2 * x)(np.zeros(shape)).shape == shape + shape
    assert hessian(lambda x: np.sum(x * x))(np.zeros(shape)).shape == shape + shape


def test_structured_seeds_of_no_inputs():
    found = hessian(lambda x: np.sum(np.tanh(np.ones((5, 0)) @ x) @ np.ones((3, 2))))(np.zeros((0, 3)))
    assert found.shape == (0, 3, 0, 3)


@pytest.mark.parametrize(("size", "limit"), [(1, 1), (10, 3), (10_000, 419), (7, 100), (0, 4)])
def test_chunks_are_few_and_equal(size, limit):
    lengths = [stop - start for start, stop in equal_chunks(size, limit)]
    assert sum(lengths) == size and len(lengths) == max(1, -(-size // limit))
    assert max(lengths) - min(lengths) <= 1 and max(lengths) <= limit


def test_a_function_object_whose_field_is_a_dual_is_not_confused():
    """ForwardDiff.jl's issue 313: the same function object type, differentiated inside its own derivative."""

    class Scaled:
        def __init__(self, factor):
            self.factor = factor

        def __call__(self, y):
            return self.factor * y

    assert derivative(lambda x: derivative(Scaled(x))(1.0) * x)(3.0) == 6
    assert derivative(lambda x: derivative(Scaled(derivative(Scaled(x))(x)))(x))(3.0) == 1


def test_mixed_nests():
    def f(x):
        return np.sum(gradient(lambda y: np.sum(x * y**3))(np.sin(x)) ** 2)

    x = np.array([0.3, 1.2])
    check_derivatives(f, x)
    np.testing.assert_allclose(hvp(f)(x, np.array([1.0, 2.0])), hessian(f)(x) @ [1.0, 2.0])
    np.testing.assert_allclose(derivative(lambda t: gradient(f)(x * t))(1.0), hessian(f)(x) @ x)


def test_levels_of_threads_are_apart():
    def work(a):
        return derivative(lambda x: x * derivative(lambda y: x * y * a)(2.0))(4.0)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(50))) == [8 * a for a in range(50)]


def test_the_fourth_derivative_at_a_removable_singularity():
    f = np.sinc
    for _ in range(4):
        f = derivative(f)
    assert np.isclose(f(0.0), np.pi**4 / 5)
