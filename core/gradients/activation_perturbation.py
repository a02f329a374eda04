"""Random directions of the pre-activations, for each sample its own (Ren et al. 2023)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dualtrain.core.dual import DualTensor, contract
from dualtrain.core.gradients.base import Block, Draw
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.gradients.perturbations import Perturbation, layer_gradient
from dualtrain.core.gradients.random_directions import DISTRIBUTIONS, Sums, generator
from dualtrain.core.nn import Network
from dualtrain.core.nn.activations import Activation, identity, softmax
from dualtrain.core.nn.tensor import Array, Tensor


@dataclass(frozen=True)
class Activations(Perturbation):
    """A direction moves every pre-activation of every sample, of all perturbed layers at once.

    A unit whose activation has slope 0 for a sample is not perturbed for it: its derivative is 0, and its share of the
    estimate would be noise with mean 0. Measurements are `[Σ G (P,), Σ ‖G‖²]` over the estimates G of each direction.
    """

    def space(self, network: Network) -> int:
        return sum(self._widths(network))

    def numbers(self, network: Network, batch_size: int) -> int:
        largest = max(part.stop - part.start for part in network.slices)
        return 2 * batch_size * sum(network.widths[1:]) + min(batch_size**2, largest)

    def row_numbers(self, network: Network, block: Block) -> int:
        return self.parameters(network) + 1

    def all_row_numbers(self, network: Network, blocks: Sequence[Block]) -> int:
        return len(blocks) * self.row_numbers(network, blocks[0])

    def combine_numbers(self, network: Network, block: Block) -> int:
        return 0

    def measure(self, forward: Forward, parameters: Array, block: Block, draw: Draw) -> Array:
        network = forward.network
        count = block.directions[1] - block.directions[0]
        shape = (count, len(forward.inputs_of_batch), self.space(network))
        noise = DISTRIBUTIONS[self.distribution](generator(draw, block), shape, parameters.dtype)
        pushed = _push(forward, np.split(noise, np.cumsum(self._widths(network)[:-1]), axis=-1))
        return np.concatenate(_measurements(forward, *pushed), dtype=parameters.dtype)

    def sums(self, network: Network, blocks: Sequence[Block], measurements: Sequence[Array], draw: Draw) -> Sums:
        total = sum(measurements[1:], start=measurements[0])
        return Sums(total[:-1], float(total[-1]))

    def _widths(self, network: Network) -> tuple[int, ...]:
        return network.widths[1 : 1 + self.layers(network)]


class _Perturbed(NamedTuple):
    """A perturbed layer: its inputs `(n, fan_in)`, and the directions `(K, n, units)` of its pre-activations."""

    layer: int
    inputs: Array
    directions: Array


def _push(forward: Forward, noises: Sequence[Array]) -> tuple[list[_Perturbed], Array]:
    """Return the perturbed layers, and the slopes `(K, n)` of the samples' shares of the loss along the noise."""
    network = forward.network
    values: Tensor = forward.inputs_of_batch
    perturbed: list[_Perturbed] = []
    for index, layer in enumerate(network.layers):
        inputs = values.primal if isinstance(values, DualTensor) else values
        if index == len(network.layers) - 1:
            forward.enter(index, inputs)
        values = layer.connect(forward.layers[index], values)
        if index < len(noises):
            noise = noises[index]
            values = values + DualTensor(np.zeros_like(noise[0]), noise)
            perturbed.append(_Perturbed(index, inputs, _active(network.activations[index], values.primal, noise)))
        values = network.activations[index](values)
    return perturbed, forward.end(values, contract)


def _active(activation: Activation, pre_activations: Array, noise: Array) -> Array:
    """Return the noise, 0 for units whose activation has slope 0; a softmax has no slope of each unit alone."""
    if activation is identity or activation is softmax:
        return noise
    outputs = activation(DualTensor(pre_activations, np.ones((1, *pre_activations.shape), noise.dtype)))
    active: Array = outputs.tangent[0] != 0
    return noise * active


def _measurements(forward: Forward, perturbed: Iterable[_Perturbed], slopes: Array) -> list[Array]:
    parts: list[Array] = []
    squares = 0.0
    for layer, inputs, directions in perturbed:
        estimates = slopes[..., None] * directions  # (K, n, units): what each direction says of the pre-activations
        parts += layer_gradient(forward, layer, inputs, estimates.sum(axis=0))
        squares += _squares(forward, layer, inputs, estimates)
    return [*parts, np.array([squares])]


def _squares(forward: Forward, layer: int, inputs: Array, estimates: Array) -> float:
    """Return Σₖ of the squared lengths of a layer's parts, `‖xᵀe‖² = Σₙₘ (x xᵀ)ₙₘ (e eᵀ)ₙₘ`, with no `(K, P)` array.

    By the left side where the right one is larger: the samples' products with each other grow with their square.
    """
    if len(inputs) ** 2 > inputs.shape[1] * estimates.shape[-1]:
        parts = (part for each in estimates for part in layer_gradient(forward, layer, inputs, each))
        return float(sum(np.vdot(part, part) for part in parts))
    has_bias = len(forward.layers[layer]) > 1
    gram = inputs @ inputs.T + has_bias
    return float(np.sum((estimates @ estimates.swapaxes(-1, -2)) * gram))
