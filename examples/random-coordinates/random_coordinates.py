"""Exact derivatives of a few parameters, drawn again in every step (random coordinate descent, Nesterov 2012)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dualtrain.core.dual import DualTensor
from dualtrain.core.gradients import Block, Cost, Draw, Estimate, Method, check_method, cut, grid
from dualtrain.core.nn import Network

AT_ONCE = 16
"""Directions of a block."""


@dataclass(frozen=True)
class RandomCoordinates(Method):
    """`count` coordinates without repetition; a row holds their derivatives, then the loss."""

    count: int = 16

    def check(self, network: Network) -> None:
        if not 1 <= self.count <= network.size:
            raise ValueError(f"count {self.count} is not between 1 and the network's {network.size} parameters")

    def blocks(self, network: Network, batch_size: int) -> Sequence[Block]:
        return grid([cut(0, self.count, AT_ONCE)], cut(0, batch_size, batch_size))

    def measure(
        self,
        network: Network,
        parameters: NDArray,
        inputs: NDArray,
        labels: NDArray,
        blocks: Iterable[Block],
        draw: Draw,
    ) -> list[NDArray]:
        chosen = self._coordinates(network, draw)
        return [self._row(network, parameters, inputs, labels, chosen[slice(*block.directions)]) for block in blocks]

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[NDArray], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        gradient = np.zeros(network.size, dtype)
        gradient[self._coordinates(network, draw)] = np.concatenate([row[:-1] for row in rows])
        gradient *= network.size / self.count
        variance = (1 - self.count / network.size) * float(gradient @ gradient)
        return Estimate(gradient, float(rows[0][-1]), variance)

    def passes(self, network: Network) -> int:
        return self.count

    def evaluations(self, network: Network) -> int:
        return 0

    def cost(self, network: Network, batch_size: int) -> Cost:
        tangents = AT_ONCE * (network.size + batch_size * sum(network.widths))
        return Cost(8.0 * 2 * tangents, self.count + len(self.blocks(network, batch_size)))

    def _coordinates(self, network: Network, draw: Draw) -> NDArray[np.int64]:
        source = np.random.default_rng((draw.seed, draw.step, draw.replica))
        return source.choice(network.size, self.count, replace=False)

    @staticmethod
    def _row(
        network: Network, parameters: NDArray, inputs: NDArray, labels: NDArray, chosen: NDArray[np.int64]
    ) -> NDArray:
        directions = np.zeros((len(chosen), network.size), parameters.dtype)
        directions[np.arange(len(chosen)), chosen] = 1
        loss = network.loss(DualTensor(parameters, directions), inputs.astype(parameters.dtype, copy=False), labels)
        return np.append(loss.tangent, loss.primal).astype(parameters.dtype, copy=False)


def main() -> None:
    check_method(RandomCoordinates(count=40))
    print("random-coordinates keeps what dualtrain relies on")  # noqa: T201


if __name__ == "__main__":
    main()
