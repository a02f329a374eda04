"""A reference that shares no code with the project: the network written by formulas, its gradient by reverse mode."""

from collections.abc import Callable

import autograd.numpy as anp
import pytest
from autograd import grad

from dualtrain.core.nn import Network
from dualtrain.core.nn.tensor import Array

FORMULAS = {
    "identity": lambda x: x,
    "relu": lambda x: anp.maximum(x, 0),
    "leaky-relu": lambda x: anp.where(x > 0, x, 0.01 * x),
    "tanh": anp.tanh,
    "sigmoid": lambda x: 1 / (1 + anp.exp(-x)),
    "softplus": lambda x: anp.log(1 + anp.exp(x)),
    "gelu": lambda x: 0.5 * x * (1 + anp.tanh(anp.sqrt(2 / anp.pi) * (x + 0.044715 * x**3))),
    "softmax": lambda x: anp.exp(x) / anp.sum(anp.exp(x), axis=1, keepdims=True),
}
LOSSES = {
    "cross-entropy": lambda probabilities, targets: -anp.mean(anp.sum(targets * anp.log(probabilities), axis=1)),
    "mean-squared-error": lambda outputs, targets: anp.mean((outputs - targets) ** 2),
}


def loss(parameters: Array, network: Network, inputs: Array, targets: Array) -> float:
    """The mean loss by formulas; the last layer of a network with cross-entropy must be a softmax."""
    values, at = inputs, 0
    for layer, fan_in in zip(network.layers, network.widths, strict=False):
        weights = parameters[at : at + fan_in * layer.units].reshape(fan_in, layer.units)
        at += weights.size
        values = anp.dot(values, weights)
        if layer.bias:
            values = values + parameters[at : at + layer.units]
            at += layer.units
        values = FORMULAS[layer.activation](values)
    return LOSSES[network.loss_name](values, targets)


@pytest.fixture
def reverse_mode() -> Callable[[Network, Array, Array, Array], Array]:
    """A function `(network, parameters, inputs, targets (N, C)) -> gradient`."""
    return lambda network, parameters, inputs, targets: grad(loss)(parameters, network, inputs, targets)
