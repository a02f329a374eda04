"""The loss as a function of the parameters, by its values alone, in float64.

In float32 the rounding of the loss would drown the small differences that are taken here.
"""

from dataclasses import dataclass

import numpy as np

from dualtrain.core.nn import Network
from dualtrain.core.nn import Values as EntryValues
from dualtrain.core.nn.losses import one_hot
from dualtrain.core.nn.tensor import Array, Labels, Tensor

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class Values:
    """A point `(P,)` that may be moved in place, and the loss there."""

    network: Network
    point: Array
    layers: list[tuple[Tensor, ...]]
    """Views of `point`: they follow it."""
    inputs: list[EntryValues]
    """What entered each node where the point was at first."""
    targets: Array

    @classmethod
    def at(cls, network: Network, parameters: Array, inputs: Array, labels: Labels) -> "Values":
        """The parameters `(P,)` as a point, with the loss of a batch: inputs `(N, D)`, labels `(N,)` or `(N, C)`."""
        point = parameters.astype(np.float64)
        layers = network.unpack(point)
        targets = one_hot(labels, network.classes, point.dtype)
        return cls(network, point, layers, network.trace(layers, inputs.astype(np.float64)), targets)

    def loss(self, start: int = 0) -> float:
        """Return the mean loss at the point; `start` is the first node whose parameters have moved."""
        logits = self.network.forward(self.layers, self.inputs[start], start)
        return float(np.mean(self.network.sample_losses(logits, self.targets)))
