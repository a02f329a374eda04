"""The plain forward pass over some samples, computed once, from which tangents are pushed on through later layers."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from core.dual import contract
from core.gradients.base import Block
from core.gradients.blocks import Range
from core.nn import LOSSES, Dense, Network
from core.nn.losses import one_hot
from core.nn.tensor import Array, Labels, Tensor


@dataclass(frozen=True)
class Forward:
    """What n samples of a batch of N leave in every layer, and how the loss depends on what comes out."""

    network: Network
    layers: list[tuple[Array, ...]]
    """Each layer's weights and bias, as views."""
    inputs: list[Array]
    """The inputs of each layer, `(n, fan_in)`."""
    pre_activations: list[Array]
    """Those of each layer, `(n, units)`."""
    loss: float
    """What these samples add to the mean loss of the batch."""
    derivative: Array
    """The derivative of that with respect to what the loss is a function of, `(n, C)`."""

    @classmethod
    def over(cls, network: Network, parameters: Array, inputs: Array, labels: Labels, samples: Range) -> "Forward":
        chosen = slice(*samples)
        layers = network.unpack(parameters)
        outputs = [inputs[chosen].astype(parameters.dtype, copy=False)]
        pre_activations = []
        for index, layer in enumerate(network.layers):
            pre_activations.append(layer.connect(layers[index], outputs[index]))
            outputs.append(network.activations[index](pre_activations[index]))
        targets = one_hot(labels[chosen], network.classes, parameters.dtype)
        losses, derivative = LOSSES[network.loss_name].differentiate(network.ending(outputs[-1]), targets)
        share = 1.0 / len(labels)
        return cls(network, layers, outputs[:-1], pre_activations, float(losses.sum()) * share, derivative * share)

    def slopes(self, index: int, pre_activations: Tensor) -> Array:
        """How the samples' shares of the mean loss change, `(K, n)`, along tangents of layer `index`'s pre-activations.

        The tangents are pushed through all layers after it, and at the end contracted with the loss's derivative.
        """
        outputs = self.network.activations[index](pre_activations)
        return self.end(self.network.forward(self.layers, outputs, index + 1))

    def end(self, logits: Tensor) -> Array:
        """The same for tangents of the logits."""
        slopes: Array = contract(self.network.ending(logits).tangent, self.derivative)
        return slopes


def by_samples(
    network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Sequence[Block]
) -> Iterator[tuple[Forward, Block]]:
    """Each block with the forward pass over its samples, which neighbours with the same samples share."""
    for samples, group in groupby(blocks, key=lambda block: block.samples):
        forward = Forward.over(network, parameters, inputs, labels, samples)
        yield from ((forward, block) for block in group)


def check_dense(network: Network, method: str) -> None:
    """Raise a ValueError when a layer has no derivative."""
    for index, layer in enumerate(network.layers):
        if not isinstance(layer, Dense):
            raise ValueError(
                f"layer {index} is the custom layer {layer.custom!r}, which has no derivative for {method!r} to push "
                "tangents through; use 'finite-difference' or 'spsa', which take values only"
            )
