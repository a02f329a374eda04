"""A reference that shares no code with the project: the network written by formulas, its gradient by reverse mode."""

from collections.abc import Callable
from math import prod

import autograd.numpy as anp
import pytest
from autograd import grad

from dualtrain.core.nn import AvgPool2D, Conv2D, Dense, LayerNorm, MaxPool2D, Network, Residual
from dualtrain.core.nn.tensor import Array

FORMULAS = {
    "identity": lambda x: x,
    "relu": lambda x: anp.maximum(x, 0),
    "leaky-relu": lambda x: anp.where(x > 0, x, 0.01 * x),
    "tanh": anp.tanh,
    "sigmoid": lambda x: 1 / (1 + anp.exp(-x)),
    "softplus": lambda x: anp.log(1 + anp.exp(x)),
    "gelu": lambda x: 0.5 * x * (1 + anp.tanh(anp.sqrt(2 / anp.pi) * (x + 0.044715 * x**3))),
    "softmax": lambda x: anp.exp(x) / anp.sum(anp.exp(x), axis=-1, keepdims=True),
}
LOSSES = {
    "cross-entropy": lambda probabilities, targets: -anp.mean(anp.sum(targets * anp.log(probabilities), axis=1)),
    "mean-squared-error": lambda outputs, targets: anp.mean((outputs - targets) ** 2),
}


class Vector:
    """The flat parameters, taken array after array."""

    def __init__(self, parameters: Array) -> None:
        self.parameters = parameters
        self.start = 0

    def take(self, *shape: int) -> Array:
        size = prod(shape)
        self.start += size
        return self.parameters[self.start - size : self.start].reshape(shape)


def dense(layer: Dense, vector: Vector, values: Array) -> Array:
    flat = values.reshape(len(values), -1)
    part, units = flat.shape[1] // layer.groups, layer.units // layer.groups
    weights = [vector.take(part, units) for _ in range(layer.groups)]
    products = [anp.dot(flat[:, g * part : (g + 1) * part], weights[g]) for g in range(layer.groups)]
    out = anp.concatenate(products, axis=1)
    return FORMULAS[layer.activation](out + vector.take(layer.units) if layer.bias else out)


def convolution(layer: Conv2D, vector: Vector, values: Array) -> Array:
    size, step = layer.kernel_size, layer.stride
    if layer.padding == "same":
        missing = [max((-(-side // step) - 1) * step + size - side, 0) for side in values.shape[1:3]]
        values = anp.pad(values, [(0, 0), *((gap // 2, gap - gap // 2) for gap in missing), (0, 0)], "constant")
    kernel = vector.take(size, size, values.shape[-1], layer.filters)
    rows, columns = ((side - size) // step + 1 for side in values.shape[1:3])
    out = sum(
        anp.dot(values[:, y : y + (rows - 1) * step + 1 : step, x : x + (columns - 1) * step + 1 : step], kernel[y, x])
        for y in range(size)
        for x in range(size)
    )
    return FORMULAS[layer.activation](out + vector.take(layer.filters) if layer.bias else out)


def pooling(layer: MaxPool2D | AvgPool2D, vector: Vector, values: Array) -> Array:
    size, step = layer.size, layer.stride or layer.size
    rows, columns = ((side - size) // step + 1 for side in values.shape[1:3])
    reduce = anp.max if isinstance(layer, MaxPool2D) else anp.mean
    windows = [
        [reduce(values[:, r * step : r * step + size, c * step : c * step + size], axis=(1, 2)) for c in range(columns)]
        for r in range(rows)
    ]
    return anp.stack([anp.stack(row, axis=1) for row in windows], axis=1)


def normalization(layer: LayerNorm, vector: Vector, values: Array) -> Array:
    centered = values - anp.mean(values, axis=-1, keepdims=True)
    out = centered / anp.sqrt(anp.mean(centered**2, axis=-1, keepdims=True) + 1e-5)
    return out * vector.take(values.shape[-1]) + vector.take(values.shape[-1]) if layer.affine else out


def residual(layer: Residual, vector: Vector, values: Array) -> Array:
    inner = values
    for own in layer.layers:
        inner = LAYERS[type(own)](own, vector, inner)
    return values + inner


LAYERS = {
    Dense: dense,
    Conv2D: convolution,
    MaxPool2D: pooling,
    AvgPool2D: pooling,
    LayerNorm: normalization,
    Residual: residual,
}


def loss(parameters: Array, network: Network, inputs: Array, targets: Array) -> float:
    """The mean loss by formulas; the last layer of a network with cross-entropy must be a softmax."""
    vector = Vector(parameters)
    values = inputs.reshape(len(inputs), *network.shapes[0])
    for layer in network.layers:
        values = LAYERS[type(layer)](layer, vector, values)
    return LOSSES[network.loss_name](values.reshape(len(inputs), -1), targets)


@pytest.fixture
def reverse_mode() -> Callable[[Network, Array, Array, Array], Array]:
    """A function `(network, parameters, inputs, targets (N, C)) -> gradient`."""
    return lambda network, parameters, inputs, targets: grad(loss)(parameters, network, inputs, targets)
