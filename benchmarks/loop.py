"""The blog post's own loop: one pass through the remainder of the network for every E_ij, a one-hot matrix each time.

As the post has it: the activations before a layer are computed once; then, for every i and j, the layer's weights are
`W + E_ij·ε`, and value and dual part go through the layers after it, side by side, into the loss. Dual parts are plain
arrays here instead of a class of their own, which makes the loop a little faster than the post's.
"""

from collections.abc import Iterator

import numpy as np

from core.nn.tensor import Array

Pair = tuple[Array, Array]
Layers = list[tuple[Array, ...]]


def passes(layers: Layers, inputs: Array, targets: Array) -> Iterator[float]:
    """∂L/∂θ, one parameter after the other in the order of the flat vector."""
    for index, (weights, bias) in enumerate(layers):
        for row in range(weights.shape[0]):
            for column in range(weights.shape[1]):
                seed = np.zeros_like(weights)
                seed[row, column] = 1
                yield _loss(layers[index + 1 :], (inputs @ weights + bias, inputs @ seed), targets)
        for column in range(len(bias)):
            seed = np.zeros_like(bias)
            seed[column] = 1
            value = inputs @ weights + bias
            yield _loss(layers[index + 1 :], (value, np.broadcast_to(seed, value.shape)), targets)
        inputs = np.maximum(inputs @ weights + bias, 0)


def _loss(layers: Layers, pair: Pair, targets: Array) -> float:
    """The dual part of the mean cross-entropy."""
    value, dual = pair
    for weights, bias in layers:
        active = value > 0
        value, dual = value * active, dual * active
        value, dual = value @ weights + bias, dual @ weights
    exponentials = np.exp(value - value.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    return float(((probabilities - targets) * dual).sum() / len(targets))
