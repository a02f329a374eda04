"""The spaces that random directions are drawn from: the parameters, or the pre-activations of each sample."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dualtrain.core.dual import contract
from dualtrain.core.gradients.base import Block, Draw
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.gradients.random_directions import Distribution, Sums
from dualtrain.core.nn import Network
from dualtrain.core.nn.tensor import Array


@dataclass(frozen=True)
class Perturbation(ABC):
    """A space of directions, and the gradient of the first `parameters(network)` parameters from slopes along them.

    With `exact_last_layer` the last layer is not perturbed: its gradient is `last_layer_gradient`.
    """

    distribution: Distribution
    exact_last_layer: bool

    def layers(self, network: Network) -> int:
        """Return how many layers are perturbed."""
        return len(network.layers) - self.exact_last_layer

    def parameters(self, network: Network) -> int:
        """Return how many parameters, from the first on, are estimated."""
        return sum(part.stop - part.start for part in network.slices if part.layer < self.layers(network))

    @abstractmethod
    def space(self, network: Network) -> int:
        """Return in how many dimensions directions can be orthogonal to each other."""

    @abstractmethod
    def numbers(self, network: Network, batch_size: int) -> int:
        """Return the numbers that one direction takes, with its tangents in all layers."""

    @abstractmethod
    def row_numbers(self, network: Network, block: Block) -> int:
        """Return the length of a block's measurements."""

    @abstractmethod
    def all_row_numbers(self, network: Network, blocks: Sequence[Block]) -> int:
        """Return the length of the measurements of all blocks together."""

    @abstractmethod
    def combine_numbers(self, network: Network, block: Block) -> int:
        """Return the numbers held at a time by `sums`, beside the measurements and the result."""

    @abstractmethod
    def measure(self, forward: Forward, parameters: Array, block: Block, draw: Draw) -> Array:
        """Return a block's measurements, `(row_numbers,)`; `forward` has entered the last layer afterwards."""

    @abstractmethod
    def sums(self, network: Network, blocks: Sequence[Block], measurements: Sequence[Array], draw: Draw) -> Sums:
        """Return the sums of slope times direction over the directions of all blocks."""


def last_layer_gradient(forward: Forward) -> Array:
    """Return the exact gradient of the last layer, weights and bias, `(size,)`, where `forward` has entered it.

    One direction for each output, weighed by the layer's inputs as in `PerNeuron`: it crosses no other weights.
    """
    outputs = np.arange(forward.network.classes)
    slopes = forward.slopes(forward.moved(outputs), contract)  # (C, n)
    return np.concatenate(layer_gradient(forward, len(forward.network.layers) - 1, forward.inputs, slopes.T))


def layer_gradient(forward: Forward, layer: int, inputs: Array, slopes: Array) -> list[Array]:
    """Return a layer's parts of a gradient, from the slopes `(n, units)` of its pre-activations: weights, bias."""
    weights = (inputs.T @ slopes).ravel()
    has_bias = len(forward.layers[layer]) > 1
    return [weights, slopes.sum(axis=0)] if has_bias else [weights]
