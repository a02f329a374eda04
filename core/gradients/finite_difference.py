"""The gradient by finite differences: two losses for every parameter, no derivative at all."""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method
from dualtrain.core.gradients.blocks import Cut, Grid, cut, grid
from dualtrain.core.gradients.cost_model import values_bytes
from dualtrain.core.gradients.loss_values import EPSILON, Values
from dualtrain.core.nn import Network
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Labels

DIRECTIONS = 256
"""Directions of a block; each takes two losses of the whole batch."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class FiniteDifference(Method):
    """Every parameter is moved by h = `step_size`·max(1, |θ|), both ways or forward only, always in float64.

    The central difference errs by about h² and ε/h, the forward one by h and ε/h; without a `step_size` h balances
    the two: ε^(1/3) and ε^(1/2), with ε = 2⁻⁵². A larger step is for losses that are piecewise constant; one below ε
    would move nothing.
    """

    method: Literal["finite-difference"] = "finite-difference"
    scheme: Literal["central", "forward"] = "central"
    step_size: Annotated[float, Ge(EPSILON)] | None = None

    def check(self, network: Network) -> None:
        """Every network will do."""

    def blocks(self, network: Network, batch_size: int) -> Grid:
        return grid([cut(0, network.size, DIRECTIONS)], Cut(0, batch_size, 1))

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        values = Values.at(network, parameters, inputs, labels)
        here = values.loss()
        owners = np.repeat([part.node for part in network.slices], [part.stop - part.start for part in network.slices])
        rows = []
        for block in blocks:
            indices = range(*block.directions)
            slopes = [self._slope(values, index, int(owners[index]), here) for index in indices]
            rows.append(np.array([*slopes, here if indices.start == 0 else 0.0]))
        return rows

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        gradient = np.concatenate([row[:-1] for row in rows]).astype(dtype, copy=False)
        return Estimate(gradient, float(sum(row[-1] for row in rows)))

    def passes(self, network: Network) -> int:
        return 0

    def evaluations(self, network: Network) -> int:
        return 2 * network.size if self.scheme == "central" else network.size + 1

    def cost(self, network: Network, batch_size: int) -> Cost:
        numbers = network.size + len(self.blocks(network, batch_size))
        return Cost(values_bytes(network, batch_size), numbers)

    def _slope(self, values: Values, index: int, node: int, here: float) -> float:
        """The difference quotient for one parameter, which belongs to this node."""
        value = values.point[index]
        step = self._relative_step() * max(1.0, abs(value))
        ends = []
        for end in (value + step, value - step if self.scheme == "central" else value):
            values.point[index] = end
            ends.append((end, values.loss(node) if end != value else here))
        values.point[index] = value
        (up, above), (down, below) = ends
        return float((above - below) / (up - down))  # up - down is exact, 2·step is rounded

    def _relative_step(self) -> float:
        return self.step_size or EPSILON ** (1 / 3 if self.scheme == "central" else 1 / 2)
