"""Simultaneous perturbation (Spall 1992): two losses for every random direction, no derivative at all."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.gradients import random_directions
from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method
from dualtrain.core.gradients.blocks import Cut, Grid, cut, grid
from dualtrain.core.gradients.cost_model import FLOAT_BYTES, values_bytes
from dualtrain.core.gradients.loss_values import EPSILON, Values
from dualtrain.core.gradients.random_directions import Sums
from dualtrain.core.nn import Network
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Labels

BLOCKS = 16
"""The most blocks that directions are cut into."""
_SIGN_ARRAYS = 6
"""Vectors (P,) held while signs are drawn and used, beside the parameters and one copy of them."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class SPSA(Method):
    """All parameters are moved at once by ±`step_size`, with random signs, always in float64.

    A row: the slope along each direction, and the loss. `combine` draws the signs again.

    Without a `step_size` it is ε^(1/3), with ε = 2⁻⁵². A larger one is for losses that are piecewise constant; one
    below ε would move nothing.
    """

    method: Literal["spsa"] = "spsa"
    directions: Annotated[int, Ge(1), Le(1_000_000)] = 16
    step_size: Annotated[float, Ge(EPSILON)] | None = None

    def check(self, network: Network) -> None:
        """Every network will do."""

    def blocks(self, network: Network, batch_size: int) -> Grid:
        return grid([cut(0, self.directions, -(-self.directions // BLOCKS))], Cut(0, batch_size, 1))

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        values = Values.at(network, parameters, inputs, labels)
        return [self._row(values, block, draw) for block in blocks]

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        slopes = [row[:-1] for row in rows]
        total = np.zeros(network.size)
        for block, part in zip(blocks, slopes, strict=True):
            total += _total(network, block, part, draw)
        squares = network.size * float(sum(part @ part for part in slopes))
        return random_directions.mean(Sums(total, squares), self.directions, float(rows[0][-1]), dtype)

    def passes(self, network: Network) -> int:
        return 0

    def evaluations(self, network: Network) -> int:
        return 2 * self.directions

    def cost(self, network: Network, batch_size: int) -> Cost:
        numbers = self.directions + len(self.blocks(network, batch_size))
        signs = FLOAT_BYTES * _SIGN_ARRAYS * network.size
        return Cost(values_bytes(network, batch_size) + signs, numbers, signs)

    def _row(self, values: Values, block: Block, draw: Draw) -> Array:
        slopes = [self._slope(values, signs) for signs in _signs(values.network, block, draw)]
        return np.array([*slopes, values.loss() if block.directions[0] == 0 else 0.0])

    def _slope(self, values: Values, signs: Array) -> float:
        """The central difference quotient along the signs."""
        step = self.step_size or EPSILON ** (1 / 3)
        start = values.point.copy()
        values.point[:] = start + step * signs
        above = values.loss()
        values.point[:] = start - step * signs
        below = values.loss()
        values.point[:] = start
        return (above - below) / (2 * step)


def _total(network: Network, block: Block, slopes: Array, draw: Draw) -> Array:
    """Return Σ slope·signs over the directions of a block, `(P,)`."""
    total = np.zeros(network.size)
    for slope, signs in zip(slopes, _signs(network, block, draw), strict=True):
        total += slope * signs
    return total


def _signs(network: Network, block: Block, draw: Draw) -> Iterator[Array]:
    """Yield the signs `(P,)` of each direction of a block."""
    source = random_directions.generator(draw, block)
    for _ in range(*block.directions):
        yield random_directions.DISTRIBUTIONS["rademacher"](source, (network.size,), np.float64)
