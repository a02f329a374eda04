"""Gradients of networks with local losses: every part of the network is one with a loss of its own.

The parts are computed apart, each from the plain outputs of those before it, so work and memory grow with depth as the
number of layers. A part's blocks, directions and rows are those of its own network.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate, groupby

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method
from dualtrain.core.gradients.blocks import LazySequence
from dualtrain.core.nn import Network
from dualtrain.core.nn.tensor import Array, Labels

REPLICAS = 2**32
"""Keeps the random directions of the parts apart from those of replicas."""


@dataclass(frozen=True)
class PartBlocks(LazySequence[Block]):
    """The blocks of all parts, one part after the other; made when they are looked up."""

    parts: tuple[Sequence[Block], ...]
    directions: tuple[int, ...]
    """For each part the number of directions before it."""

    @cached_property
    def ends(self) -> tuple[int, ...]:
        """For each part the number of blocks up to its end."""
        return tuple(accumulate(map(len, self.parts)))

    def __len__(self) -> int:
        return self.ends[-1]

    def _item(self, index: int) -> Block:
        part = bisect_right(self.ends, index)
        first = self.ends[part - 1] if part else 0
        return _moved(self.parts[part][index - first], first, self.directions[part])

    def own(self, block: Block) -> tuple[int, Block]:
        """Return the part that a block belongs to, and the block as that part has it."""
        part = bisect_right(self.ends, block.index)
        first = self.ends[part - 1] if part else 0
        return part, _moved(block, -first, -self.directions[part])


@dataclass(frozen=True)
class LocalMethod(Method):
    """A method, applied to every part of a network with local losses."""

    method: Method

    def check(self, network: Network) -> None:
        for part in network.parts:
            self.method.check(part.network)
            if self.method.evaluations(part.network):
                raise ValueError(
                    "local losses need tangents that end at a loss of their own; "
                    "use 'per-neuron', 'per-parameter' or 'forward-gradient'"
                )

    def blocks(self, network: Network, batch_size: int) -> PartBlocks:
        parts = tuple(self.method.blocks(part.network, batch_size) for part in network.parts)
        counts = (max(block.directions[1] for block in (blocks[0], blocks[-1])) for blocks in parts)
        return PartBlocks(parts, tuple(accumulate(counts, initial=0))[:-1])

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        every = self.blocks(network, len(labels))
        rows: list[Array] = []
        chain = _Chain(network, parameters, inputs)
        for part, group in groupby((every.own(block) for block in blocks), key=lambda pair: pair[0]):
            own, entering = chain.entering(part)
            rows += self.method.measure(
                network.parts[part].network, own, entering, labels, (block for _, block in group), _drawn(draw, part)
            )
        return rows

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        every = self.blocks(network, max(block.samples[1] for block in (blocks[0], blocks[-1])))
        estimates = []
        for index, (part, ends) in enumerate(zip(network.parts, every.ends, strict=True)):
            own = every.parts[index]
            part_rows = rows[ends - len(own) : ends]
            estimates.append(self.method.combine(part.network, own, part_rows, dtype, _drawn(draw, index)))
        variances = [estimate.variance for estimate in estimates if estimate.variance is not None]
        gradient = np.concatenate([estimate.gradient for estimate in estimates])
        return Estimate(gradient, estimates[-1].loss, sum(variances) if variances else None)

    def passes(self, network: Network) -> int:
        return sum(self.method.passes(part.network) for part in network.parts)

    def evaluations(self, network: Network) -> int:
        return 0

    def cost(self, network: Network, batch_size: int) -> Cost:
        costs = [self.method.cost(part.network, batch_size) for part in network.parts]
        return Cost(
            max(cost.peak_bytes for cost in costs) + 8.0 * batch_size * max(network.widths),
            sum(cost.row_numbers for cost in costs),
            max(cost.combine_bytes for cost in costs),
        )


class _Chain:
    """The plain outputs of one part after the other."""

    def __init__(self, network: Network, parameters: Array, inputs: Array) -> None:
        self._network = network
        self._parameters = parameters
        self._inputs = inputs.astype(parameters.dtype, copy=False)
        self._part = 0
        self._values = self._inputs

    def entering(self, part: int) -> tuple[Array, Array]:
        """Return the parameters of a part, and its inputs `(N, D)`."""
        if part < self._part:
            self._part = 0
            self._values = self._inputs
        while self._part < part:
            self._values = self._outputs(self._part)
            self._part += 1
        return self._own(part), self._values

    def _own(self, part: int) -> Array:
        sizes = [part.network.size for part in self._network.parts]
        start = sum(sizes[:part])
        return self._parameters[start : start + sizes[part]]

    def _outputs(self, part: int) -> Array:
        network = self._network.parts[part].network
        arrays = network.unpack(self._own(part))
        values = network.entry(self._values)
        for index in range(len(network.nodes) - 1):  # without the head
            values = network.step(index, arrays[index], values)
        outputs: Array = values.inputs.reshape(len(values.inputs), -1)
        return outputs


def _moved(block: Block, blocks: int, directions: int) -> Block:
    first, last = block.directions
    return Block(block.index + blocks, (first + directions, last + directions), block.samples)


def _drawn(draw: Draw, part: int) -> Draw:
    return replace(draw, replica=draw.replica + part * REPLICAS)


def for_network(method: Method, network: Network) -> Method:
    """Return the method, applied to each part of a network with local losses."""
    return method if network.local_losses is None else LocalMethod(method)


def plain_parts(method: Method, network: Network) -> Iterator[tuple[Method, Network]]:
    """Yield the pairs of a plain method and a network that a method consists of."""
    if isinstance(method, LocalMethod):
        yield from ((method.method, part.network) for part in network.parts)
    else:
        yield method, network
