"""What random directions are directions of: the parameters, or the pre-activations of each sample."""

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np

from dualtrain.core.dual import DualTensor, contract, inner
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.nn import Network
from dualtrain.core.nn.layers import Shape
from dualtrain.core.nn.tensor import Array


class Perturbation(ABC):
    """A space to draw K directions from, and what they say about the parameters."""

    @abstractmethod
    def space(self, network: Network) -> int:
        """In how many dimensions directions can be orthogonal to each other."""

    @abstractmethod
    def shape(self, forward: Forward) -> Shape:
        """The shape of one direction; its last axis is the space."""

    @abstractmethod
    def numbers(self, network: Network, batch_size: int) -> int:
        """How many numbers one direction has, with its tangents in all layers."""

    @abstractmethod
    def push(self, forward: Forward, parameters: Array, directions: Array) -> tuple[Array, float]:
        """(Σ G, Σ ‖G‖²) over what each direction says the gradient is: G, `(P,)`, slope times direction."""


@dataclass(frozen=True)
class Weights(Perturbation):
    """A direction is a tangent of the parameter vector, one for the whole batch."""

    def space(self, network: Network) -> int:
        return network.size

    def shape(self, forward: Forward) -> Shape:
        return (forward.network.size,)

    def numbers(self, network: Network, batch_size: int) -> int:
        return network.size + batch_size * sum(network.widths[1:])

    def push(self, forward: Forward, parameters: Array, directions: Array) -> tuple[Array, float]:
        network = forward.network
        logits = network.logits(DualTensor(parameters, directions), forward.inputs)
        slopes = forward.end(logits, inner)
        squares = np.einsum("kp,kp->k", directions, directions)
        return slopes @ directions, float(slopes * slopes @ squares)


@dataclass(frozen=True)
class Activations(Perturbation):
    """A direction moves every pre-activation of every sample, of all layers at once."""

    def space(self, network: Network) -> int:
        return sum(network.widths[1:])

    def shape(self, forward: Forward) -> Shape:
        return (len(forward.inputs), self.space(forward.network))

    def numbers(self, network: Network, batch_size: int) -> int:
        largest = max(part.stop - part.start for part in network.slices)
        return 2 * batch_size * self.space(network) + min(batch_size**2, largest)

    def push(self, forward: Forward, parameters: Array, directions: Array) -> tuple[Array, float]:
        noises = np.split(directions, np.cumsum(forward.network.widths[1:-1]), axis=-1)
        inputs, slopes = _pushed(forward, noises)
        parts: list[Array] = []
        squares = 0.0
        for layer, noise, arrays in zip(inputs, noises, forward.layers, strict=True):
            found, biases = slopes[..., None] * noise, len(arrays) - 1  # (K, n, units): what each direction says
            parts += _parameter_parts(layer, found.sum(axis=0))[: 1 + biases]
            squares += _squares(layer, biases, found)
        return np.concatenate(parts), squares


def _pushed(forward: Forward, noises: list[Array]) -> tuple[list[Array], Array]:
    """Each layer's inputs, and how the samples' shares of the loss change along the noise, `(K, n)`."""
    network, outputs = forward.network, forward.inputs
    inputs: list[Array] = []
    for index, noise in enumerate(noises):
        inputs.append(outputs.primal if isinstance(outputs, DualTensor) else outputs)
        pre_activations = network.layers[index].connect(forward.layers[index], outputs)
        outputs = network.activations[index](pre_activations + DualTensor(np.zeros_like(noise[0]), noise))
    return inputs, forward.end(outputs, contract)


def _parameter_parts(inputs: Array, found: Array) -> list[Array]:
    """The layer's parts of a gradient, from the derivatives `(n, units)` of its pre-activations: weights and bias."""
    return [(inputs.T @ found).ravel(), found.sum(axis=0)]


def _squares(inputs: Array, biases: int, found: Array) -> float:
    """Σₖ of the squared lengths of these parts, `‖xᵀf‖² = Σₙₘ (x xᵀ)ₙₘ (f fᵀ)ₙₘ`, with no `(K, P)` array.

    By the left side where the right one is larger: the samples' products with each other grow with their square.
    """
    if len(inputs) ** 2 > inputs.shape[1] * found.shape[-1]:
        parts = (_parameter_parts(inputs, one)[: 1 + biases] for one in found)
        return float(sum(np.vdot(part, part) for both in parts for part in both))
    gram = inputs @ inputs.T + biases
    return float(np.sum((found @ found.swapaxes(-1, -2)) * gram))


PERTURBATIONS: dict[str, Perturbation] = {"weights": Weights(), "activations": Activations()}
