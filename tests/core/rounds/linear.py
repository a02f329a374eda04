"""A linear classifier, whose gradient is a formula, and samples for it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.data import Dataset
from dualtrain.core.nn import Dense, Network

INPUTS, CLASSES = 4, 3
NETWORK = Network(INPUTS, (Dense(CLASSES, "softmax", bias=False),))


def samples(count: int = 24) -> Dataset:
    """Return random images of 2 by 2 pixels with random labels."""
    generator = np.random.default_rng(0)
    images = generator.integers(0, 256, (count, INPUTS), np.uint8)
    labels = generator.integers(0, CLASSES, count).astype(np.uint8)
    return Dataset("some", 2, ("a", "b", "c"), "", images, labels, images, labels)


def slope(parameters: NDArray[Any], inputs: NDArray[Any], labels: NDArray[Any]) -> NDArray[Any]:
    """Return the gradient (P,) of the mean cross-entropy: Xᵀ(softmax(XW) - Y)/N."""
    found = np.exp(inputs @ parameters.reshape(INPUTS, CLASSES))
    found /= found.sum(axis=1, keepdims=True)
    return (inputs.T @ (found - np.eye(CLASSES)[labels]) / len(labels)).ravel()
