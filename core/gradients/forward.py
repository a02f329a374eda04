"""The plain forward pass over some samples, from every layer of which tangents are pushed on."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.dual import DualTensor
from dualtrain.core.dual.structured import Factored, SiteTangent, UnitTangent
from dualtrain.core.gradients.base import Block
from dualtrain.core.gradients.blocks import Range
from dualtrain.core.nn import Custom, Network
from dualtrain.core.nn.losses import one_hot
from dualtrain.core.nn.network import Values
from dualtrain.core.nn.tensor import Array, Labels, Tensor

Contraction: TypeAlias = Callable[[Tensor, Array], Array]


class Forward:
    """Walks from node to node of a network, and holds the activations of one: its memory does not grow with depth.

    `layers` are views of every node's arrays, `inputs` `(n, *shape)` those of the node reached. The loss's derivative
    with respect to the outputs is computed by the first push that arrives there: every push has the same values, to the
    bit, and only other tangents.
    """

    def __init__(self, network: Network, parameters: Array, inputs: Array, labels: Labels, samples: Range) -> None:
        chosen = slice(*samples)
        self.network = network
        self.layers: list[tuple[Array, ...]] = network.unpack(parameters)
        self.batch: Values = network.entry(inputs[chosen].astype(parameters.dtype, copy=False))
        self._targets = one_hot(labels[chosen], network.classes, parameters.dtype)
        self._share = 1.0 / len(labels)
        self._derivative: Array | None = None
        self.enter(0, self.batch)
        self.loss = 0.0
        """What these samples add to the mean loss of the batch, once a push has arrived."""

    def reach(self, node: int) -> None:
        """Go to a node; on from the one reached so far if that is possible."""
        if node < self.node:
            self.enter(0, self.batch)
        while self.node < node:
            self.enter(self.node + 1, self.network.activate(self.node, self.pre_activations(), self.values))

    def enter(self, node: int, values: Values) -> None:
        """Go to a node whose inputs are known."""
        self.node = node
        self.values = values
        self._pre_activations: Array | None = None
        self._by_unit: Array | None = None

    @property
    def inputs(self) -> Array:
        """The inputs `(n, *shape)` of the node reached."""
        inputs: Array = self.values.inputs
        return inputs

    def pre_activations(self) -> Array:
        """Return those of the node reached, `(n, *shape)`."""
        if self._pre_activations is None:
            self._pre_activations = self.network.nodes[self.node].layer.connect(self.layers[self.node], self.inputs)
        return self._pre_activations

    def inputs_by_unit(self) -> Array:
        """Return the inputs `(n, fan_in)` in Fortran order: the samples of a unit lie side by side."""
        if self._by_unit is None:
            self._by_unit = np.asfortranarray(self.inputs.reshape(len(self.inputs), -1))
        return self._by_unit

    def moved(self, units: NDArray[np.integer]) -> Factored:
        """Return the tangent along which, for each direction, one of these units' pre-activations grows by ε.

        The units of images are all positions and channels, counted through in C order.
        """
        kind = UnitTangent if self.pre_activations().ndim == 2 else SiteTangent
        return kind(units, np.ones((len(units), len(self.inputs)), self.inputs.dtype))

    def slopes(self, tangent: Any, contraction: Contraction) -> Array:
        """Return how the samples' shares of the mean loss change along a tangent of the pre-activations reached.

        It is pushed through all layers after them, and its end contracted with the loss's derivative: for each sample
        by `contract`, `(K, n)`, or for all of them by `inner`, `(K,)`.
        """
        return self.onward(DualTensor(self.pre_activations(), tangent), contraction)

    def onward(self, pre_activations: Tensor, contraction: Contraction) -> Array:
        """Return the same for pre-activations that carry their tangent."""
        values = self.network.activate(self.node, pre_activations, self.values)
        return self.end(self.network.forward(self.layers, values, self.node + 1), contraction)

    def end(self, logits: Tensor, contraction: Contraction) -> Array:
        """Return the same for tangents of the logits."""
        outcome = self.network.ending(logits)
        if self._derivative is None:
            losses, derivative = self.network.differentiate(outcome.primal, self._targets)
            self.loss, self._derivative = float(losses.sum()) * self._share, derivative * self._share
        return contraction(outcome.stored_tangent, self._derivative)


def by_samples(
    network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block]
) -> Iterator[tuple[Forward, Block]]:
    """Yield each block with the forward pass over its samples, which neighbors with the same samples share."""
    for samples, group in groupby(blocks, key=lambda block: block.samples):
        forward = Forward(network, parameters, inputs, labels, samples)
        yield from ((forward, block) for block in group)


def check_differentiable(network: Network, method: str) -> None:
    """Raise a ValueError when a layer has no derivative."""
    for node in network.nodes:
        if isinstance(node.layer, Custom) and not node.layer.differentiable:
            raise ValueError(
                f"layer {node.index} is the custom layer {node.layer.custom!r}, through which {method!r} pushes no "
                "tangents; use 'finite-difference' or 'spsa', which take values only"
            )
