"""Random directions of the pre-activations, for each sample its own (Ren et al. 2023)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from dualtrain.core.dual import DualTensor, contract
from dualtrain.core.gradients.base import Block, Draw
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.gradients.perturbations import Perturbation, layer_gradient, without_tangents
from dualtrain.core.gradients.random_directions import DISTRIBUTIONS, Sums, generator
from dualtrain.core.gradients.span import as_plain, slopes_of, span_width, spread
from dualtrain.core.nn import Dense, Layer, Network, Values
from dualtrain.core.nn.activations import Activation, identity, softmax
from dualtrain.core.nn.shaping import flatten
from dualtrain.core.nn.tensor import Array


@dataclass(frozen=True)
class Activations(Perturbation):
    """A direction moves every pre-activation of every sample, of all perturbed layers at once.

    A unit whose activation has slope 0 for a sample is not perturbed for it: its derivative is 0, and its share of the
    estimate would be noise with mean 0. Measurements are `[Σ G (P,), Σ ‖G‖²]` over the estimates G of each direction.

    With `spanned`, the outputs of a layer are perturbed in the span of the weights of a narrower dense layer that
    follows (`span.py`), and only pre-activations of the others.
    """

    spanned: bool = False

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
        shape = (count, len(forward.batch.inputs), self.space(network))
        noise = DISTRIBUTIONS[self.distribution](generator(draw, block), shape, parameters.dtype)
        noises = np.split(noise, np.cumsum(self._widths(network)[:-1]), axis=-1)
        spans = [node for node in self.nodes(network) if self.spanned and span_width(network, node)]
        pushed = _push(forward, dict(zip(self.nodes(network), noises, strict=True)), spans)
        return np.concatenate(_measurements(*pushed), dtype=parameters.dtype)

    def sums(self, network: Network, blocks: Sequence[Block], measurements: Sequence[Array], draw: Draw) -> Sums:
        total = sum(measurements[1:], start=measurements[0])
        return Sums(total[:-1], float(total[-1]))

    def _widths(self, network: Network) -> list[int]:
        return [self._width(network, node) for node in self.nodes(network)]

    def _width(self, network: Network, node: int) -> int:
        width = span_width(network, node) if self.spanned else None
        return width or network.widths[node + 1]


class _Perturbed(NamedTuple):
    """A perturbed layer: its inputs `(n, *shape)`, and the directions `(K, n, *shape)` of its pre-activations."""

    layer: Layer
    inputs: Array
    directions: Array


def _push(forward: Forward, noises: Mapping[int, Array], spans: Sequence[int]) -> tuple[list[_Perturbed], Array]:
    """Return the perturbed layers, and the slopes `(K, n)` of the samples' shares of the loss along the noise.

    The noise of the nodes in `spans` moves their outputs, that of the others their pre-activations.
    """
    network = forward.network
    values = forward.batch
    perturbed: list[_Perturbed] = []
    for index, node in enumerate(network.nodes):
        entering = without_tangents(values)
        if index == network.trained_nodes[-1]:
            forward.enter(index, entering)
        pre_activations = node.layer.connect(forward.layers[index], values.inputs)
        if index in spans:
            noise = spread(forward, index, noises[index])
            moved = noise * slopes_of(network.activations[index], as_plain(pre_activations), noise.dtype)
            perturbed.append(_Perturbed(node.layer, entering.inputs, moved))
            outputs = network.activations[index](pre_activations)
            values = Values(outputs + DualTensor(np.zeros_like(noise[0]), noise))
            continue
        if index in noises:
            noise = noises[index].reshape(-1, *pre_activations.shape)
            pre_activations = pre_activations + DualTensor(np.zeros_like(noise[0]), noise)
            active = _active(network.activations[index], pre_activations.primal, noise)
            perturbed.append(_Perturbed(node.layer, entering.inputs, active))
        values = network.activate(index, pre_activations, values)
    return perturbed, forward.end(flatten(values.inputs), contract)


def _active(activation: Activation, pre_activations: Array, noise: Array) -> Array:
    """Return the noise, 0 for units whose activation has slope 0; a softmax has no slope of each unit alone."""
    if activation is identity or activation is softmax:
        return noise
    active: Array = slopes_of(activation, pre_activations, noise.dtype) != 0
    return noise * active


def _measurements(perturbed: Iterable[_Perturbed], slopes: Array) -> list[Array]:
    parts: list[Array] = []
    squares = 0.0
    for layer, inputs, directions in perturbed:
        weights = slopes.reshape(*slopes.shape, *(1,) * (directions.ndim - 2))
        estimates = weights * directions  # (K, n, *shape): what each direction says of the pre-activations
        parts += layer_gradient(layer, inputs, estimates.sum(axis=0))
        squares += _squares(layer, inputs, estimates)
    return [*parts, np.array([squares])]


def _squares(layer: Layer, inputs: Array, estimates: Array) -> float:
    """Return Σₖ of the squared lengths of a layer's parts, `‖xᵀe‖² = Σₙₘ (x xᵀ)ₙₘ (e eᵀ)ₙₘ`, with no `(K, P)` array.

    By the left side where the right one is larger: the samples' products with each other grow with their square.
    """
    is_plain = isinstance(layer, Dense) and layer.groups == 1 and inputs.ndim == 2
    if not is_plain or len(inputs) ** 2 > inputs.shape[1] * estimates.shape[-1]:
        parts = (part for each in estimates for part in layer_gradient(layer, inputs, each))
        return float(sum(np.vdot(part, part) for part in parts))
    gram = inputs @ inputs.T + bool(getattr(layer, "bias", False))
    return float(np.sum((estimates @ estimates.swapaxes(-1, -2)) * gram))
