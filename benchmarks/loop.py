"""The blog post's own way to a gradient, written as the post describes it: a pass for every E_ij, sample by sample.

A tensor of dual numbers holds two arrays of one shape in float64, and NumPy's functions find their rules through
`__array_ufunc__`. The activations before a layer are computed once; then for every i and j a one-hot matrix is made and
`W + E_ij·ε` goes through the remainder of the network into the loss, whose dual part is the derivative.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin

Vector = Any
Layer = tuple[Vector, Vector, Callable[[Vector], Vector]]
"""Weights `(units, fan_in)`, bias and activation."""


class Dual(NDArrayOperatorsMixin):
    """`real + dual·ε`, element by element."""

    def __init__(self, real: Vector, dual: Vector) -> None:
        self.real = np.asarray(real, np.float64)
        self.dual = np.asarray(dual, np.float64)
        assert self.real.shape == self.dual.shape

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Vector, **options: Any) -> Vector:
        if method == "reduce":
            return Dual(np.sum(self.real), np.sum(self.dual))
        return RULES[ufunc](*inputs)


def matmul(a: Vector, b: Vector) -> Dual:
    return Dual(a.real @ b, a.dual @ b) if isinstance(a, Dual) else Dual(a @ b.real, a @ b.dual)


def add(a: Vector, b: Vector) -> Dual:
    if isinstance(a, Dual) and isinstance(b, Dual):
        return Dual(a.real + b.real, a.dual + b.dual)
    return Dual(a.real + b, a.dual) if isinstance(a, Dual) else Dual(a + b.real, b.dual)


def multiply(a: Vector, b: Vector) -> Dual:
    if isinstance(a, Dual) and isinstance(b, Dual):
        return Dual(a.real * b.real, a.real * b.dual + a.dual * b.real)
    return Dual(a.real * b, a.dual * b) if isinstance(a, Dual) else Dual(a * b.real, a * b.dual)


def divide(a: Dual, b: Dual) -> Dual:
    return multiply(a, Dual(1 / b.real, -b.dual / b.real**2))


RULES: dict[np.ufunc, Callable[..., Dual]] = {
    np.matmul: matmul,
    np.add: add,
    np.multiply: multiply,
    np.divide: divide,
    np.exp: lambda x: Dual(np.exp(x.real), np.exp(x.real) * x.dual),
    np.log: lambda x: Dual(np.log(x.real), 1 / x.real * x.dual),
    np.maximum: lambda x, y: Dual(np.maximum(x.real, y), np.where(x.real > y, 1, 0) * x.dual),
}


def relu(x: Vector) -> Vector:
    return np.maximum(x, 0)


def softmax(x: Vector) -> Vector:
    return np.exp(x) / np.sum(np.exp(x))


def cross_entropy(x: Vector, target: Vector) -> Vector:
    return -1 * np.sum(target * np.log(x))


def passes(layers: list[Layer], inputs: Vector, target: Vector) -> Iterator[float]:
    """∂L/∂θ for one sample: layer after layer, every weight, then every bias."""
    for index, (weights, bias, activation) in enumerate(layers):
        later = layers[index + 1 :]
        for place in np.ndindex(weights.shape):
            seed = np.zeros_like(weights)
            seed[place] = 1
            yield _pushed(later, activation(Dual(weights, seed) @ inputs + bias), target)
        for unit in range(len(bias)):
            seed = np.zeros_like(bias)
            seed[unit] = 1
            yield _pushed(later, activation(weights @ inputs + Dual(bias, seed)), target)
        inputs = activation(weights @ inputs + bias)


def _pushed(later: list[Layer], values: Vector, target: Vector) -> float:
    """The dual part of the loss, from the outputs of a layer on."""
    for weights, bias, activation in later:
        values = activation(weights @ values + bias)
    return float(cross_entropy(values, target).dual)
