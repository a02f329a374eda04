"""The spaces that random directions are drawn from: the parameters, or the pre-activations of each sample."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from dualtrain.core.dual import DualTensor
from dualtrain.core.gradients.base import Block, Draw
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.gradients.random_directions import Distribution, Sums
from dualtrain.core.gradients.strategies import unit_slopes
from dualtrain.core.nn import Layer, Network, Values
from dualtrain.core.nn.tensor import Array


@dataclass(frozen=True)
class Perturbation(ABC):
    """A space of directions, and the gradient of the first `parameters(network)` parameters from slopes along them.

    With `exact_last_layer` the last layer with parameters is not perturbed: its gradient is `last_layer_gradient`.
    """

    distribution: Distribution
    exact_last_layer: bool

    def nodes(self, network: Network) -> tuple[int, ...]:
        """Return the nodes that are perturbed: all that have parameters, but for one with an exact gradient."""
        nodes = network.trained_nodes
        return nodes[:-1] if self.exact_last_layer else nodes

    def parameters(self, network: Network) -> int:
        """Return how many parameters, from the first on, are estimated."""
        nodes = self.nodes(network)
        return sum(part.stop - part.start for part in network.slices if part.node in nodes)

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
    """Return the exact gradient of the last layer with parameters, `(size,)`, where `forward` has entered it.

    One direction for each unit, weighed by the layer's inputs as in `PerNeuron`: it crosses no other weights.
    """
    slopes = unit_slopes(forward)
    return np.concatenate(layer_gradient(forward.network.nodes[forward.node].layer, forward.inputs, slopes))


def layer_gradient(layer: Layer, inputs: Array, slopes: Array) -> list[Array]:
    """Return a layer's parts of a gradient, flat, from the slopes `(n, *shape)` of its pre-activations."""
    return [array.ravel() for array in layer.parameter_slopes(inputs, slopes).values()]


def without_tangents(values: Values) -> Values:
    """Return the values alone of what enters a node."""
    return Values(*(part.primal if isinstance(part, DualTensor) else part for part in values))
