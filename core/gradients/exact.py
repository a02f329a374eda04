"""What the exact methods share: one forward pass over some samples serves all blocks on them."""

from abc import abstractmethod
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method
from dualtrain.core.gradients.blocks import Cut, Grid, Range, cut, grid
from dualtrain.core.gradients.cost_model import block_bytes, samples_at_once
from dualtrain.core.gradients.forward import Forward, by_samples, check_differentiable
from dualtrain.core.gradients.strategies import Strategy
from dualtrain.core.nn import Network
from dualtrain.core.nn.tensor import Array, Labels


class Exact(Method):
    """A method whose blocks push tangents on from the layers of a plain forward pass.

    The row of a block: what its strategy says, and the loss.
    """

    method: str

    @abstractmethod
    def strategies(self, network: Network) -> tuple[Strategy, ...]:
        """Return how each part of the gradient is computed, in the order in which directions are counted."""

    def check(self, network: Network) -> None:
        check_differentiable(network, self.method)

    def blocks(self, network: Network, batch_size: int) -> Grid:
        return _blocks(self, network, batch_size)

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        return [self.row(*pair) for pair in by_samples(network, parameters, inputs, labels, blocks)]

    def row(self, forward: Forward, block: Block) -> Array:
        """Return the row of a block, whose samples `forward` holds."""
        strategy, directions = _place(self, forward.network, block.directions)
        forward.reach(strategy.node)
        row = strategy.row(forward, directions)
        row[-1] = forward.loss if block.directions[0] == 0 else 0.0
        return row

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        gradient = np.empty(network.size, dtype)
        for block, row in zip(blocks, rows, strict=True):
            strategy, directions = _place(self, network, block.directions)
            start = 0
            for target in strategy.targets(gradient, directions):
                part = row[start : start + target.size].reshape(target.shape)
                start += target.size
                if block.samples[0] == 0:
                    target[...] = part
                else:
                    target += part  # of later samples
        return Estimate(gradient, float(sum(row[-1] for row in rows)))

    def passes(self, network: Network) -> int:
        return sum(strategy.directions for strategy in self.strategies(network))

    def evaluations(self, network: Network) -> int:
        return 0

    def cost(self, network: Network, batch_size: int) -> Cost:
        blocks = self.blocks(network, batch_size)
        return Cost(block_bytes(network, batch_size), network.size * len(blocks.samples) + len(blocks))


class _Plan(NamedTuple):
    strategies: tuple[Strategy, ...]
    ends: tuple[int, ...]
    """The number of directions up to the end of each strategy."""


@lru_cache(maxsize=64)
def _plan(method: Exact, network: Network) -> _Plan:
    strategies = method.strategies(network)
    return _Plan(strategies, tuple(accumulate(strategy.directions for strategy in strategies)))


@lru_cache(maxsize=64)
def _blocks(method: Exact, network: Network, batch_size: int) -> Grid:
    samples = cut(0, batch_size, samples_at_once(network))
    first, last = samples[-1]
    plan = _plan(method, network)
    starts = (0, *plan.ends)
    cuts = (strategy.cut(last - first) for strategy in plan.strategies)
    return grid((_moved(own, start) for own, start in zip(cuts, starts, strict=False)), samples)


def _moved(own: Cut, start: int) -> Cut:
    return Cut(own.start + start, own.stop + start, own.pieces, own.step)


@lru_cache(maxsize=1024)
def _place(method: Exact, network: Network, directions: Range) -> tuple[Strategy, Range]:
    """Return the strategy that these directions belong to, and which of its own they are."""
    plan = _plan(method, network)
    index = bisect_right(plan.ends, directions[0])
    start = plan.ends[index - 1] if index else 0
    return plan.strategies[index], (directions[0] - start, directions[1] - start)
