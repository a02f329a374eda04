"""Losses: for each sample a number, from what the network puts out `(N, C)` and the targets `(N, C)`.

Each is a pair of functions: the loss and its derivative with respect to the outputs. Forward mode contracts the
outputs' tangents with that derivative, the last step of every pass.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from dualtrain.core.dual import row_function
from dualtrain.core.nn.tensor import Array, Labels, Tensor

LossName = Literal["cross-entropy", "mean-squared-error"]
Losses: TypeAlias = Callable[[Tensor, Array], tuple[Tensor, Tensor]]


@dataclass(frozen=True)
class Loss:
    """A loss of each sample, `differentiate(outputs, targets) -> (losses (N,), their derivative (N, C))`."""

    differentiate: Losses
    takes_logits: bool
    """Whether a final softmax is part of the loss, so that the two together are computed stably."""

    def of(self, outputs: Tensor, targets: Array) -> Tensor:
        """The losses `(N,)`; the tangents of outputs that have any are contracted with the derivative."""
        losses = row_function(lambda x: self.differentiate(x, targets)[0], lambda x: self.differentiate(x, targets)[1])
        return losses(outputs)


def _cross_entropy(logits: Tensor, targets: Array) -> tuple[Tensor, Tensor]:
    shifted = logits - logits.max(axis=-1, keepdims=True)
    exponentials = np.exp(shifted)
    totals = exponentials.sum(axis=-1, keepdims=True)
    losses = ((np.log(totals) - shifted) * targets).sum(axis=-1)
    return losses, exponentials / totals * targets.sum(axis=-1, keepdims=True) - targets


def _squared_error(outputs: Tensor, targets: Array) -> tuple[Tensor, Tensor]:
    difference = outputs - targets
    classes = targets.shape[-1]
    return (difference * difference).sum(axis=-1) / classes, difference * (2.0 / classes)


LOSSES: dict[LossName, Loss] = {
    "cross-entropy": Loss(_cross_entropy, takes_logits=True),
    "mean-squared-error": Loss(_squared_error, takes_logits=False),
}


def one_hot(labels: Labels, classes: int, dtype: np.dtype[np.floating]) -> Array:
    """Targets `(N, classes)` from class numbers `(N,)`; rows `(N, classes)`, such as probabilities, pass through.

    Raises ValueError for labels of another shape or kind, for numbers that are no class, and when there are none.
    """
    labels = np.asarray(labels)
    if labels.shape[1:] == (classes,) and len(labels):
        return labels.astype(dtype, copy=False)
    if labels.ndim != 1 or labels.dtype.kind not in "iu" or not len(labels):
        given = f"{labels.dtype} of shape {labels.shape}"
        raise ValueError(f"labels are one or more whole numbers (N,) or rows (N, {classes}), not {given}")
    lowest, highest = np.minimum.reduce(labels), np.maximum.reduce(labels)
    if lowest < 0 or highest >= classes:
        wrong = lowest if lowest < 0 else highest
        raise ValueError(f"there is no class {wrong}: the network has {classes}, numbered from 0")
    return np.eye(classes, dtype=dtype)[labels]
