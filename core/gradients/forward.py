"""The plain forward pass over some samples, from every layer of which tangents are pushed on."""

from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.dual import DualTensor, UnitTangent
from dualtrain.core.gradients.base import Block
from dualtrain.core.gradients.blocks import Range
from dualtrain.core.nn import LOSSES, Dense, Network
from dualtrain.core.nn.losses import one_hot
from dualtrain.core.nn.tensor import Array, Labels, Tensor

Contraction: TypeAlias = Callable[[Tensor, Array], Array]


class Forward:
    """Walks from layer to layer, and holds the activations of one at a time: its memory does not grow with depth.

    `layers` are views of every layer's weights and bias, `inputs` `(n, fan_in)` those of the layer reached. The loss's
    derivative with respect to the outputs is computed by the first push that arrives there: every push has the same
    values, to the bit, and only other tangents.
    """

    def __init__(self, network: Network, parameters: Array, inputs: Array, labels: Labels, samples: Range) -> None:
        chosen = slice(*samples)
        self.network = network
        self.layers: list[tuple[Array, ...]] = network.unpack(parameters)
        self.inputs_of_batch: Array = inputs[chosen].astype(parameters.dtype, copy=False)
        self._targets = one_hot(labels[chosen], network.classes, parameters.dtype)
        self._share = 1.0 / len(labels)
        self._derivative: Array | None = None
        self._layer, self.inputs = 0, self.inputs_of_batch
        self._pre_activations: Array | None = None
        self._by_unit: Array | None = None
        self.loss = 0.0
        """What these samples add to the mean loss of the batch, once a push has arrived."""

    def reach(self, layer: int) -> None:
        """Go to a layer; on from the one reached so far if that is possible."""
        if layer < self._layer:
            self.enter(0, self.inputs_of_batch)
        while self._layer < layer:
            self.enter(self._layer + 1, self.network.activations[self._layer](self.pre_activations()))

    def enter(self, layer: int, inputs: Array) -> None:
        """Go to a layer whose inputs `(n, fan_in)` are known."""
        self._layer, self.inputs, self._pre_activations, self._by_unit = layer, inputs, None, None

    def pre_activations(self) -> Array:
        """Those of the layer reached, `(n, units)`."""
        if self._pre_activations is None:
            self._pre_activations = self.network.layers[self._layer].connect(self.layers[self._layer], self.inputs)
        return self._pre_activations

    def inputs_by_unit(self) -> Array:
        """The inputs in Fortran order: the samples of a unit lie side by side, as blocks of its weights take them."""
        if self._by_unit is None:
            self._by_unit = np.asfortranarray(self.inputs)
        return self._by_unit

    def moved(self, units: NDArray[np.integer]) -> UnitTangent:
        """The tangent along which, for each direction, one of these units' pre-activations grows by ε."""
        return UnitTangent(units, np.ones((len(units), len(self.inputs)), self.inputs.dtype))

    def slopes(self, tangent: UnitTangent, contraction: Contraction) -> Array:
        """How the samples' shares of the mean loss change along a tangent of the pre-activations reached.

        It is pushed through all layers after them, and its end contracted with the loss's derivative: for each sample
        by `contract`, `(K, n)`, or for all of them by `inner`, `(K,)`.
        """
        outputs = self.network.activations[self._layer](DualTensor(self.pre_activations(), tangent))
        return self.end(self.network.forward(self.layers, outputs, self._layer + 1), contraction)

    def end(self, logits: Tensor, contraction: Contraction) -> Array:
        """The same for tangents of the logits."""
        outcome = self.network.ending(logits)
        if self._derivative is None:
            losses, derivative = LOSSES[self.network.loss_name].differentiate(outcome.primal, self._targets)
            self.loss, self._derivative = float(losses.sum()) * self._share, derivative * self._share
        return contraction(outcome.stored_tangent, self._derivative)


def by_samples(
    network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block]
) -> Iterator[tuple[Forward, Block]]:
    """Each block with the forward pass over its samples, which neighbours with the same samples share."""
    for samples, group in groupby(blocks, key=lambda block: block.samples):
        forward = Forward(network, parameters, inputs, labels, samples)
        yield from ((forward, block) for block in group)


def check_dense(network: Network, method: str) -> None:
    """Raise a ValueError when a layer has no derivative."""
    for index, layer in enumerate(network.layers):
        if not isinstance(layer, Dense):
            raise ValueError(
                f"layer {index} is the custom layer {layer.custom!r}, through which {method!r} pushes no "
                "tangents; use 'finite-difference' or 'spsa', which take values only"
            )
