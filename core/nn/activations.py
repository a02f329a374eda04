"""Activations: a table of functions of a tensor `(..., H)`."""

from collections.abc import Callable
from math import pi, sqrt
from typing import Literal, TypeAlias

import numpy as np

from dualtrain.core.dual import elementwise_function
from dualtrain.core.nn.tensor import Tensor

ActivationName = Literal["identity", "relu", "leaky-relu", "tanh", "sigmoid", "softplus", "gelu", "softmax"]
Activation: TypeAlias = Callable[[Tensor], Tensor]

LEAK = 0.01  # the slope below 0 of leaky-relu, as Maas et al. 2013


def identity(x: Tensor) -> Tensor:
    """x."""
    return x


def softmax(x: Tensor) -> Tensor:
    """exp(x) over its sum along the last axis, shifted by the maximum, which drops out, so that nothing overflows."""
    exponentials = np.exp(x - np.max(x, axis=-1, keepdims=True))
    return exponentials / np.sum(exponentials, axis=-1, keepdims=True)


def _sigmoid(x: Tensor) -> Tensor:
    return 0.5 * np.tanh(0.5 * x) + 0.5  # never overflows, unlike 1 / (1 + exp(-x))


def _gate(x: Tensor) -> Tensor:
    """tanh √(2/π)(x + 0.044715 x³), of which gelu is made."""
    return np.tanh(sqrt(2 / pi) * x * (1 + 0.044715 * x * x))


def _gelu_slope(out: Tensor, x: Tensor) -> Tensor:
    gate = _gate(x)
    return 0.5 * (1 + gate) + 0.5 * x * (1 - gate * gate) * (sqrt(2 / pi) * (1 + 3 * 0.044715 * x * x))


ACTIVATIONS: dict[ActivationName, Activation] = {
    "identity": identity,
    "relu": elementwise_function(lambda x: np.maximum(x, 0), lambda out, x: x > 0),
    "leaky-relu": elementwise_function(
        lambda x: np.where(x > 0, x, LEAK * x), lambda out, x: np.where(x > 0, x.dtype.type(1), x.dtype.type(LEAK))
    ),
    "tanh": elementwise_function(np.tanh, lambda out, x: 1 - out * out),
    "sigmoid": elementwise_function(_sigmoid, lambda out, x: out * (1 - out)),
    "softplus": elementwise_function(lambda x: np.logaddexp(x, 0), lambda out, x: _sigmoid(x)),
    "gelu": elementwise_function(lambda x: 0.5 * x * (1 + _gate(x)), _gelu_slope),  # Hendrycks and Gimpel 2016
    "softmax": softmax,
}
"""Values and derivatives. Those of relu and leaky-relu at 0 are the ones from below (Bertoin et al. 2021 on why 0)."""
