"""Random directions of the parameters (Baydin et al. 2022): one number for each direction leaves a block."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.dual import DualTensor, inner
from dualtrain.core.gradients.base import Block, Draw
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.gradients.perturbations import Perturbation, without_tangents
from dualtrain.core.gradients.random_directions import (
    CACHED_BLOCKS,
    CACHED_NUMBERS,
    DISTRIBUTIONS,
    Directions,
    Sums,
    projected,
    summed,
)
from dualtrain.core.gradients.structured_directions import in_pieces, low_rank
from dualtrain.core.nn import Network
from dualtrain.core.nn.shaping import flatten
from dualtrain.core.nn.tensor import Array, Tensor


@dataclass(frozen=True)
class Weights(Perturbation):
    """A direction is a tangent of the estimated parameters, one for the whole batch. Measurements are slopes `(K,)`.

    With `pieces` above 1, each direction moves one of as many equal ranges of the parameters, chosen at random (block
    coordinates: MeZO-BCD 2025; over workers: Spry, Panchal et al. 2024).
    """

    pieces: int = 1

    def space(self, network: Network) -> int:
        return self.parameters(network)

    def numbers(self, network: Network, batch_size: int) -> int:
        return network.size + batch_size * sum(network.widths[1:])

    def row_numbers(self, network: Network, block: Block) -> int:
        return block.directions[1] - block.directions[0]

    def all_row_numbers(self, network: Network, blocks: Sequence[Block]) -> int:
        return blocks[-1].directions[1]

    def combine_numbers(self, network: Network, block: Block) -> int:
        at_once = self.row_numbers(network, block) * self.parameters(network)
        return at_once + CACHED_BLOCKS * CACHED_NUMBERS

    def measure(self, forward: Forward, parameters: Array, block: Block, draw: Draw) -> Array:
        directions = self._directions(forward.network).of(draw, block, parameters.dtype)
        return _slopes(forward, parameters, directions, self.nodes(forward.network))

    def sums(self, network: Network, blocks: Sequence[Block], measurements: Sequence[Array], draw: Draw) -> Sums:
        directions = self._directions(network)
        total = np.zeros(directions.size, measurements[0].dtype)
        squares = 0.0
        for block, slopes in zip(blocks, measurements, strict=True):
            part = summed(slopes, directions.of(draw, block, slopes.dtype))
            total += part.total
            squares += part.squares
        return Sums(total, squares)

    def projection(
        self, network: Network, blocks: Sequence[Block], measurements: Sequence[Array], draw: Draw
    ) -> tuple[Array, float]:
        """Return the mean over blocks of `projected`, by their directions, and its variance."""
        directions = self._directions(network)
        count = blocks[-1].directions[1]
        gradient = np.zeros(directions.size, measurements[0].dtype)
        variance = 0.0
        for block, slopes in zip(blocks, measurements, strict=True):
            part, dimensions = projected(directions.of(draw, block, slopes.dtype), slopes)
            share = len(slopes) / count
            gradient += slopes.dtype.type(share) * part
            variance += share**2 * (1 - dimensions / directions.size) * float(part @ part)
        return gradient, variance

    def _directions(self, network: Network) -> Directions:
        return Directions(_Sampler(self, network), self.parameters(network))


@dataclass(frozen=True)
class _Sampler:
    """A hashable function `(generator, K, dtype) -> directions (K, size)`."""

    perturbation: Weights
    network: Network

    def __call__(self, source: np.random.Generator, count: int, dtype: DTypeLike) -> Array:
        perturbation, size = self.perturbation, self.perturbation.parameters(self.network)
        if perturbation.distribution == "low-rank":
            shapes = [part.shape for part in self.network.slices if part.node in perturbation.nodes(self.network)]
            return low_rank(source, count, shapes, dtype)
        draw = DISTRIBUTIONS[perturbation.distribution]
        if perturbation.pieces == 1:
            return draw(source, (count, size), dtype)
        return in_pieces(draw, source, (count, size), perturbation.pieces, dtype)


def _slopes(forward: Forward, parameters: Array, directions: Array, perturbed: Sequence[int]) -> Array:
    """Return the loss's slopes `(K,)` along directions of the parameters of the `perturbed` nodes."""
    network = forward.network
    arrays = _moved(network, parameters, directions, perturbed)
    values = forward.batch
    for index in range(len(network.nodes)):
        if index == network.trained_nodes[-1]:
            forward.enter(index, without_tangents(values))
        values = network.step(index, arrays[index], values)
    return forward.end(flatten(values.inputs), inner)


def _moved(
    network: Network, parameters: Array, directions: Array, perturbed: Sequence[int]
) -> list[tuple[Tensor, ...]]:
    """Return every node's arrays, those of the `perturbed` nodes with their tangents."""
    arrays: list[tuple[Tensor, ...]] = [()] * len(network.nodes)
    for part in network.slices:
        array: Tensor = part.of(parameters)
        if part.node in perturbed:
            tangent = directions[:, part.start : part.stop].reshape(-1, *part.shape)
            array = DualTensor(array, tangent)
        arrays[part.node] += (array,)
    return arrays
