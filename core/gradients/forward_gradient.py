"""An unbiased estimate of the gradient from random directions (Baydin et al. 2022, Ren et al. 2023).

Over the weights, a direction is a random tangent of all P parameters. Over the activations it is a random tangent of
all pre-activations, drawn for each sample by itself: far fewer numbers for small batches, so the estimate is better;
what they say about the weights follows because a pre-activation is linear in its weights.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.gradients import random_directions
from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method
from dualtrain.core.gradients.blocks import Cut, Grid, cut, grid
from dualtrain.core.gradients.cost_model import FLOAT_BYTES
from dualtrain.core.gradients.forward import Forward, check_dense
from dualtrain.core.gradients.perturbations import PERTURBATIONS
from dualtrain.core.nn import Network
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Labels

ELEMENTS = 2**21
"""Numbers in all tangents of a block together."""
BLOCKS = 16
"""Independent directions are cut into so many blocks, or more when they are too large: each returns P numbers."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ForwardGradient(Method):
    """The mean of slope x direction over random directions of the weights or of the pre-activations.

    Directions are normal, of random signs, or orthogonal to each other within a block (for activations: within a block
    and a sample), which scatter less; orthogonal ones share as large a block as fits.
    """

    method: Literal["forward-gradient"] = "forward-gradient"
    directions: Annotated[int, Ge(1), Le(1_000_000)] = 16
    distribution: random_directions.Distribution = "normal"
    perturb: Literal["weights", "activations"] = "weights"

    def check(self, network: Network) -> None:
        check_dense(network, self.method)

    def blocks(self, network: Network, batch_size: int) -> Grid:
        perturbation = PERTURBATIONS[self.perturb]
        largest = max(ELEMENTS // perturbation.numbers(network, batch_size), 1)
        evenly = -(-self.directions // BLOCKS)
        limit = perturbation.space(network) if self.distribution == "orthogonal" else evenly
        return grid([cut(0, self.directions, min(largest, limit))], Cut(0, batch_size, 1))

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        forward = Forward(network, parameters, inputs, labels, (0, len(labels)))
        return [self._row(forward, parameters, block, draw) for block in blocks]

    def combine(self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike) -> Estimate:
        overlap = 1.0
        if self.distribution == "orthogonal":  # K of them leave space - K dimensions unseen, not space - 1
            space = PERTURBATIONS[self.perturb].space(network)
            first, last = blocks[0].directions
            overlap = (space - (last - first)) / max(space - 1, 1)
        return random_directions.combine(rows, self.directions, dtype, overlap)

    def passes(self, network: Network) -> int:
        return self.directions

    def evaluations(self, network: Network) -> int:
        return 0

    def cost(self, network: Network, batch_size: int) -> Cost:
        at_once = max(ELEMENTS, PERTURBATIONS[self.perturb].numbers(network, batch_size))
        numbers = random_directions.row_numbers(network, self.blocks(network, batch_size))
        return Cost(3.0 * at_once * FLOAT_BYTES, numbers)

    def _row(self, forward: Forward, parameters: Array, block: Block, draw: Draw) -> Array:
        perturbation = PERTURBATIONS[self.perturb]
        count = block.directions[1] - block.directions[0]
        shape = (count, *perturbation.shape(forward))
        source = random_directions.generator(draw, block)
        directions = random_directions.DISTRIBUTIONS[self.distribution](source, shape, parameters.dtype)
        total, squares = perturbation.push(forward, parameters, directions)
        return np.concatenate([total, [squares, forward.loss if block.directions[0] == 0 else 0.0]], dtype=total.dtype)
