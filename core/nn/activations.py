"""Activations: a table of functions of a tensor `(..., H)`, written with NumPy's own functions."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Literal, TypeAlias

import numpy as np

from core.nn.tensor import Tensor

ActivationName = Literal["identity", "relu", "leaky-relu", "tanh", "sigmoid", "softplus", "gelu", "softmax"]
Activation: TypeAlias = Callable[[Tensor], Tensor]

LEAK = 0.01  # the slope below 0 of leaky-relu, as Maas et al. 2013


def identity(x: Tensor) -> Tensor:
    """x."""
    return x


def relu(x: Tensor) -> Tensor:
    """max(x, 0), with the derivative 0 at 0 (as Bertoin et al. 2021 advise)."""
    return np.where(x > 0, x, 0)


def leaky_relu(x: Tensor) -> Tensor:
    """x above 0, `LEAK`·x below."""
    return np.where(x > 0, x, LEAK * x)


def sigmoid(x: Tensor) -> Tensor:
    """1 / (1 + exp(-x)), by tanh, which never overflows."""
    return 0.5 * np.tanh(0.5 * x) + 0.5


def softplus(x: Tensor) -> Tensor:
    """log(1 + exp(x)), stably."""
    return np.logaddexp(x, 0)


def gelu(x: Tensor) -> Tensor:
    """x·Φ(x) in the form with tanh (Hendrycks and Gimpel 2016)."""
    return 0.5 * x * (1 + np.tanh(sqrt(2 / pi) * (x + 0.044715 * x * x * x)))


def softmax(x: Tensor) -> Tensor:
    """exp(x) over its sum along the last axis, shifted by the maximum; the shift drops out, so it needs no tangent."""
    exponentials = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return exponentials / np.sum(exponentials, axis=-1, keepdims=True)


ACTIVATIONS: dict[ActivationName, Activation] = {
    "identity": identity,
    "relu": relu,
    "leaky-relu": leaky_relu,
    "tanh": np.tanh,
    "sigmoid": sigmoid,
    "softplus": softplus,
    "gelu": gelu,
    "softmax": softmax,
}
