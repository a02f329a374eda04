"""Losses: for each sample a number, from what the network puts out `(N, C)` and the targets `(N, C)`.

Each is a pair of functions: the loss and its derivative with respect to the outputs. Forward mode contracts the
outputs' tangents with that derivative, the last step of every pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from core.nn.activations import softmax
from core.nn.tensor import Array, Labels, Tensor

LossName = Literal["cross-entropy", "mean-squared-error"]
LossFunction: TypeAlias = Callable[[Tensor, Array], Tensor]


@dataclass(frozen=True)
class Loss:
    """`value(outputs, targets) -> (N,)` and `derivative(outputs, targets) -> (N, C)`."""

    value: LossFunction
    derivative: LossFunction
    takes_logits: bool
    """Whether a final softmax is part of the loss, so that the two together are computed stably."""

    def of(self, outputs: Tensor, targets: Array) -> Tensor:
        """The losses `(N,)`."""
        return self.value(outputs, targets)


def _cross_entropy(logits: Tensor, targets: Array) -> Tensor:
    shifted = logits - np.max(logits, axis=-1, keepdims=True)
    return np.log(np.sum(np.exp(shifted), axis=-1)) - np.sum(shifted * targets, axis=-1)


def _squared_error(outputs: Tensor, targets: Array) -> Tensor:
    difference = outputs - targets
    return np.sum(difference * difference, axis=-1) / targets.shape[-1]


LOSSES: dict[LossName, Loss] = {
    "cross-entropy": Loss(_cross_entropy, lambda x, targets: softmax(x) - targets, takes_logits=True),
    "mean-squared-error": Loss(
        _squared_error, lambda x, targets: (x - targets) * (2.0 / targets.shape[-1]), takes_logits=False
    ),
}


def one_hot(labels: Labels, classes: int, dtype: np.dtype[np.floating]) -> Array:
    """Targets `(N, classes)` from class numbers `(N,)`; labels that are `(N, classes)` already pass through."""
    if labels.ndim == 2:
        return labels.astype(dtype, copy=False)
    targets = np.zeros((len(labels), classes), dtype)
    targets[np.arange(len(labels)), labels] = 1
    return targets
