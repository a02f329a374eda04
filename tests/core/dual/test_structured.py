"""Structured tangents give what dense ones give, and stay structured where they can."""

import numpy as np
import pytest

from dualtrain.core.dual import (
    DualTensor,
    EntrySeed,
    OuterTangent,
    UnitTangent,
    contract,
    elementwise_function,
    inner,
    jacobian,
    jvp,
    row_function,
)
from dualtrain.core.dual.structured import ScaledTangent

RNG = np.random.default_rng(0)
N, D, H, C, K = 3, 4, 5, 2, 3
X, W, V, B = (RNG.normal(size=shape) for shape in ((N, D), (D, H), (H, C), (H,)))
SEED = EntrySeed(np.array([0, 3, 1]), np.array([4, 0, 4]))
UNITS = np.array([4, 0, 4])
UNIT = UnitTangent(UNITS, RNG.normal(size=(K, N)))
OUTER = OuterTangent(RNG.normal(size=(K, N)), RNG.normal(size=(K, H)))
SHARED = OuterTangent(RNG.normal(size=(K, N)), RNG.normal(size=(2, H)), np.array([1, 0, 1]))
Z = RNG.normal(size=(N, H))
MANY = UnitTangent(np.arange(2 * H) % H, RNG.normal(size=(2 * H, N)))

# function of a tensor, value, tangent, the structure that comes out (None: dense)
CASES = {
    "product with a seed": (lambda w: X @ w, W, SEED, UnitTangent),
    "batched product with a seed": (lambda w: np.stack([X, X]) @ w, W, SEED, UnitTangent),
    "vector times a seed": (lambda w: X[0] @ w, W, SEED, UnitTangent),
    "unit times a matrix": (lambda z: z @ V, Z, UNIT, OuterTangent),
    "many directions of few units times a matrix": (lambda z: -2 * (z @ V), Z, MANY, OuterTangent),
    "many directions of few units, then two matrices": (lambda z: z @ V @ V.T, Z, MANY, OuterTangent),
    "tanh of an outer of shared rows": (np.tanh, Z, SHARED, None),
    "outer times a matrix": (lambda z: z @ V, Z, OUTER, OuterTangent),
    "unit plus a bias": (lambda z: z + B, Z, UNIT, UnitTangent),
    "tanh of a unit": (np.tanh, Z, UNIT, UnitTangent),
    "square of a unit": (lambda z: z * z, Z, UNIT, UnitTangent),
    "relu of a unit": (lambda z: np.where(z > 0, z, 0), Z, UNIT, UnitTangent),
    "scaled unit": (lambda z: 2 * z / B - 1, Z, UNIT, UnitTangent),
    "a bias's unit": (lambda b: Z + b, B, UnitTangent(UNITS, np.ones(K)), UnitTangent),
    "scaled outer": (lambda z: -2 * z, Z, OUTER, OuterTangent),
    "outer plus a bias": (lambda z: z + B, Z, OUTER, OuterTangent),
    "tanh of an outer": (np.tanh, Z, OUTER, None),
    "root of a unit": (lambda z: np.sqrt(z * z + 1), Z, UNIT, None),
    "sum over units": (lambda z: np.sum(z, axis=-1), Z, UNIT, None),
    "unit with a wider partner": (lambda z: z[:, :1] * B, Z, UNIT, None),
    "plain times a unit": (lambda z: V.T @ z.T, Z, UNIT, None),
    "a seed's transpose": (lambda w: w.T @ X.T, W, SEED, None),
    "softplus": (lambda z: np.logaddexp(z, 0), Z, UNIT, UnitTangent),
    "elementwise": (elementwise_function(np.tanh, lambda out, x: 1 - out * out), Z, UNIT, UnitTangent),
    "row": (row_function(lambda x: np.sum(x**2, -1), lambda x: 2 * x), Z, UNIT, None),
    "row of an outer": (row_function(lambda x: np.sum(x**2, -1), lambda x: 2 * x), Z, OUTER, None),
}


@pytest.mark.parametrize("name", CASES)
def test_the_dense_tangent_is_the_same(name):
    function, value, tangent, structure = CASES[name]
    found = function(DualTensor(value, tangent))
    expected = function(DualTensor(value, tangent.dense(value.shape, value.dtype)))
    np.testing.assert_allclose(found.tangent, expected.tangent, rtol=1e-12, atol=1e-14)
    assert type(found.stored_tangent) is (structure or np.ndarray)


@pytest.mark.parametrize("batch", [(N,), (2, N)])
@pytest.mark.parametrize("make", [UnitTangent, OuterTangent, EntrySeed, np.ndarray])
def test_contractions(make, batch):
    values, rows, which = RNG.normal(size=(K, *batch)), RNG.normal(size=(2, H)), np.array([1, 0, 1])
    tangent = {
        UnitTangent: UnitTangent(UNITS, values),
        OuterTangent: OuterTangent(values, rows, which),
        EntrySeed: EntrySeed(np.array([0, 2]), np.array([1, 1])),
        np.ndarray: RNG.normal(size=(K, *batch, H)),
    }[make]
    shape = (N, H) if make is EntrySeed else (*batch, H)
    weights = RNG.normal(size=shape)
    dense = tangent if isinstance(tangent, np.ndarray) else tangent.dense(shape, float)
    products = dense * weights
    np.testing.assert_allclose(contract(tangent, weights), products.sum(axis=-1), rtol=1e-12, atol=1e-14)
    summed = products.reshape(len(dense), -1).sum(axis=-1)
    np.testing.assert_allclose(inner(tangent, weights), summed, rtol=1e-12, atol=1e-14)


def test_a_product_keeps_its_tangent_when_its_matrix_changes():
    matrix = V.copy()
    product = DualTensor(Z, MANY) @ matrix
    matrix[:] = 0
    np.testing.assert_allclose(product.tangent, MANY.dense(Z.shape, float) @ V, rtol=1e-12, atol=1e-14)


def test_two_unit_tangents_are_added_on_the_same_units_only():
    z = DualTensor(Z, UNIT)
    assert isinstance((z + np.tanh(z)).stored_tangent, UnitTangent)
    other = DualTensor(Z, UnitTangent(np.array([1, 2, 3]), UNIT.values))
    np.testing.assert_allclose((z * other).tangent, z.tangent * Z + Z * other.tangent)


def test_a_layer_that_a_chunk_of_directions_does_not_touch_stays_plain():
    """A chunk of a vector of parameters: slices without a seed are arrays, those with one have its structure."""
    kinds = set()

    def f(p):
        weights, bias = p[: D * H].reshape(D, H), p[D * H :]
        kinds.add((type(getattr(weights, "stored_tangent", None)), type(getattr(bias, "stored_tangent", None))))
        return np.sum(np.tanh(X @ weights + bias) ** 2)

    parameters = np.concatenate([W.ravel(), B])
    np.testing.assert_allclose(jacobian(f, chunk_size=5)(parameters), jacobian(f, chunk_size=4)(parameters), rtol=1e-12)
    assert (EntrySeed, type(None)) in kinds and (type(None), UnitTangent) in kinds


def test_a_slice_that_only_some_directions_touch_is_dense():
    x = np.arange(6.0)
    np.testing.assert_array_equal(jacobian(lambda x: x[1:4] ** 2)(x), np.diag(2 * x)[1:4])
    np.testing.assert_array_equal(jacobian(lambda x: x[::-2] ** 2)(x), np.diag(2 * x)[::-2])


VIEWS = [lambda y: y[1:], lambda y: y.reshape(3, 1)[1:], lambda y: y[::-1][:2], lambda y: y.T[1:]]


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("tangent", [UnitTangent(np.arange(3), np.ones(3)), np.eye(3)], ids=["structured", "dense"])
def test_assigning_into_a_view_is_assigning_into_what_it_views(view, tangent):
    def f(x):
        y = x * 2
        view(y)[0] = 5.0
        return y

    value, slopes = jvp(f, (np.ones(3),), (tangent,))
    assert slopes.tolist() == np.diag(np.where(value == 5, 0, 2)).tolist()


def test_chains_of_functions_scale_the_directions_once():
    """Up to what is no function of each element; from there on the tangent is dense, and its own."""

    def f(x):
        y = np.sqrt(np.sin(x) * 3 + x) - 1 / x
        assert (type(y.stored_tangent) is ScaledTangent) == (x.stored_tangent.ndim > 1)
        total = np.sum(y)
        assert type(y.stored_tangent) is np.ndarray
        y[0] = 0.0
        return y, total

    x, directions = np.array([0.4, 0.9]), RNG.normal(size=(3, 2))
    alone = [jvp(f, (x,), (direction,))[1] for direction in directions]
    together = jvp(f, (x,), (directions,))[1]
    np.testing.assert_allclose(together[0], [y for y, _ in alone], rtol=1e-12)
    np.testing.assert_allclose(together[1], [total for _, total in alone], rtol=1e-12)


def test_a_scaled_direction_of_zero_stays_zero_where_the_slope_is_infinite():
    assert jvp(lambda x: 2 * np.sqrt(x), (np.zeros(1),), (np.array([[0.0], [1.0]]),))[1].tolist() == [[0], [np.inf]]


def test_what_scales_may_be_assigned_into_later():
    def f(x):
        factor = np.array([2.0, 3.0])
        y = x * factor
        factor[:] = 0
        return y

    assert jvp(f, (np.ones(2),), (np.eye(2),))[1].tolist() == [[2, 0], [0, 3]]


@pytest.mark.parametrize(
    ("function", "at"),
    [
        (lambda x: np.sqrt(np.maximum(x, 0)), -1.0),
        (lambda x: np.sqrt(np.clip(x, 0, 9)), -1.0),
        (lambda x: np.exp(np.log(np.maximum(x, 0))), -1.0),
        (lambda x: np.sqrt(np.square(x)), 0.0),
        (lambda x: np.maximum(x, 0) ** 0.5, -1.0),
    ],
)
def test_a_slope_of_zero_stays_zero_where_the_next_is_infinite(function, at):
    x = np.array([at, 4.0])
    function = np.errstate(divide="ignore")(function)  # log(0)
    alone = jvp(function, (x,), (np.ones(2),))[1]
    assert alone[0] == 0
    np.testing.assert_array_equal(jvp(function, (x,), (np.ones((1, 2)),))[1][0], alone)
    np.testing.assert_array_equal(jacobian(function)(x[:, None, None])[0, 0, 0, 0], 0)
