"""Derivatives of functions of several arguments, of nested containers, and with auxiliary results."""

from collections import namedtuple
from dataclasses import dataclass

import numpy as np
import pytest

from dualtrain.core.dual import (
    derivative,
    gradient,
    hessian,
    hvp,
    jacobian,
    jvp,
    linearize,
    stop_gradient,
    value_and_gradient,
    value_and_jacobian,
)

Pair = namedtuple("Pair", "w b")


@dataclass(frozen=True)
class Layer:
    weights: np.ndarray
    bias: np.ndarray


W, B, X = np.array([[1.0, 2.0], [3.0, -1.0]]), np.array([0.5, -0.25]), np.array([0.3, -1.2])
CONTAINERS = {
    "dict": ({"w": W, "b": B}, lambda p: (p["w"], p["b"])),
    "list": ([W, B], lambda p: (p[0], p[1])),
    "tuple": ((W, B), lambda p: p),
    "named tuple": (Pair(W, B), lambda p: (p.w, p.b)),
    "dataclass": (Layer(W, B), lambda p: (p.weights, p.bias)),
    "nested": ({"layers": [(W, {"bias": B})], "none": None}, lambda p: (p["layers"][0][0], p["layers"][0][1]["bias"])),
}


def layer(w, b, x):
    return np.tanh(w @ x + b)


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers(name):
    tree, parts = CONTAINERS[name]

    def f(p, x):
        return np.sum(layer(*parts(p), x) ** 2)

    w, b = parts(gradient(f)(tree, X))
    np.testing.assert_allclose(w, gradient(lambda w: np.sum(layer(w, B, X) ** 2))(W))
    np.testing.assert_allclose(b, gradient(lambda b: np.sum(layer(W, b, X) ** 2))(B))
    value, tangent = jvp(f, (tree, X), (tree, X))
    np.testing.assert_allclose(tangent, np.sum(w * W) + np.sum(b * B) + gradient(f, 1)(tree, X) @ X)
    assert value == f(tree, X) and type(gradient(f)(tree, X)) is type(tree)
    np.testing.assert_allclose(
        parts(hvp(f)(tree, tree, X))[1], jvp(lambda p: parts(gradient(f)(p, X))[1], (tree,), (tree,))[1]
    )


def test_results_in_containers():
    def f(p):
        return {"sum": p["a"] + p["b"], "product": [p["a"] * p["b"][:, None]]}

    p = {"a": np.array([1.0, 2.0]), "b": np.array([3.0, 4.0])}
    slopes = jacobian(f)(p)
    assert slopes["sum"]["a"].tolist() == np.eye(2).tolist()
    assert slopes["product"][0]["a"].shape == (2, 2, 2)
    np.testing.assert_allclose(slopes["product"][0]["a"], p["b"][:, None, None] * np.eye(2))
    second = hessian(lambda p: np.sum(p["a"] * p["b"] ** 2))(p)
    np.testing.assert_allclose(second["a"]["b"], np.diag(2 * p["b"]))
    np.testing.assert_allclose(second["b"]["b"], np.diag(2 * p["a"]))


def test_places_and_options():
    def f(x, y, *, scale=1.0):
        return scale * np.sum(x * y**2)

    x, y = np.array([1.0, 2.0]), np.array([3.0, 5.0])
    assert gradient(f)(x, y, scale=2.0).tolist() == (2 * y**2).tolist()
    assert gradient(f, argnums=1)(x, y).tolist() == (2 * x * y).tolist()
    both = gradient(f, argnums=(0, -1))(x, y)
    assert type(both) is tuple and both[1].tolist() == (2 * x * y).tolist()
    np.testing.assert_allclose(hessian(f, argnums=1)(x, y), np.diag(2 * x))
    np.testing.assert_allclose(hvp(f)(x, x, y), [0, 0])
    assert derivative(lambda a, b: a * b**2, 1)(2.0, 3.0) == 12
    slopes = jacobian(lambda x, y: np.outer(x, y), (0, 1))(x, y)
    assert [s.shape for s in slopes] == [(2, 2, 2)] * 2


def test_values_come_from_the_same_evaluation():
    calls = []

    def f(x):
        calls.append(x)
        return np.sum(x**3)

    value, slope = value_and_gradient(f)(X)
    assert value == np.sum(X**3) and len(calls) == 1
    np.testing.assert_allclose(slope, 3 * X**2)
    value, slopes = value_and_jacobian(np.sin)(X)
    np.testing.assert_array_equal(value, np.sin(X))
    np.testing.assert_allclose(slopes, np.diag(np.cos(X)))
    value[0] = 0.0


def test_auxiliary_results():
    def f(x):
        y = x * x
        return np.sum(y), {"squares": y, "name": "f"}

    slope, aux = gradient(f, has_aux=True)(X)
    np.testing.assert_allclose(slope, 2 * X)
    assert aux["squares"].tolist() == (X * X).tolist() and aux["name"] == "f"
    (value, aux), slope = value_and_gradient(f, has_aux=True)(X)
    assert value == np.sum(X * X) and aux["name"] == "f"
    value, tangent, aux = jvp(f, (X,), (X,), has_aux=True)
    assert tangent == 2 * np.sum(X * X) and type(aux["squares"]) is np.ndarray
    assert derivative(lambda t: (t**2, "text"), has_aux=True)(3.0) == (6, "text")
    second, aux = hessian(f, has_aux=True)(X)
    np.testing.assert_allclose(second, 2 * np.eye(2))


def test_linear_parts():
    value, push = linearize(lambda x, y: x * y, X, B)
    assert value.tolist() == (X * B).tolist()
    np.testing.assert_allclose(push(np.ones(2), np.zeros(2)), B)
    np.testing.assert_allclose(push(np.eye(2), np.zeros((2, 2))), np.diag(B))


def test_stopped_derivatives():
    assert gradient(lambda x: np.sum(x * stop_gradient(x)))(X).tolist() == X.tolist()
    assert gradient(lambda x: np.sum(x * stop_gradient({"x": x})["x"] ** 2))(X).tolist() == (X**2).tolist()
    assert derivative(derivative(lambda t: t**2 * stop_gradient(t)))(3.0) == 6


def test_results_are_the_callers_own():
    x = np.array([1.0, 2.0])
    for f in (lambda q: q, lambda q: q[::-1], lambda q: np.broadcast_to(q, (2, 2)), lambda q: np.ones(2)):
        value, tangent = jvp(f, (x,), (np.ones((3, 2)),))
        value[...] = 5
        tangent[...] = 7
    assert x.tolist() == [1, 2]
    for slopes in (gradient(np.sum)(x), jacobian(lambda q: q)(x), hessian(np.sum)(x)):
        slopes[...] = 3
