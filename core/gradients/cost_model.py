"""Rough costs of one batch, for planning: never part of a result."""

from dualtrain.core.gradients.blocks import SAMPLES
from dualtrain.core.nn import Network
from dualtrain.core.nn.activations import identity, softmax

FLOAT_BYTES = 8
"""The widest numbers there are; plans are made before the dtype matters."""


def values_bytes(network: Network, batch_size: int) -> float:
    """Parameters, a copy of them, and the inputs of every layer."""
    return FLOAT_BYTES * (2.0 * network.size + batch_size * sum(network.widths))


def block_bytes(network: Network, batch_size: int, elements: int) -> float:
    """Memory of a block that is to have so many numbers in its largest tangent: one direction may have more alone."""
    samples = min(batch_size, SAMPLES)
    widest = max(tangent_width(network, layer) for layer in range(len(network.layers)))
    return FLOAT_BYTES * 4.0 * max(elements, samples * widest) + values_bytes(network, samples)


def tangent_width(network: Network, layer: int) -> int:
    """Numbers per direction and sample in the widest tangent that a push of one unit of this layer builds.

    A tangent of one unit stays one number through an elementwise activation, and is kept factored through the product
    after it and through the loss; another activation or another product makes it dense.
    """
    later = network.widths[layer + 2 :]
    elementwise_end = network.activations[-1] is not softmax and network.ending is identity
    factored = len(later) == 1 and network.activations[-1] is identity and elementwise_end
    mixed = network.activations[layer] is softmax or not (later or elementwise_end)
    return max(1, *(later if not factored else ()), network.widths[layer + 1] if mixed else 1)
