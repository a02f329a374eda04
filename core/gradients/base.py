"""What every gradient method is: blocks to measure, and a way to make a gradient of what was measured.

Conventions: N samples, K directions of a block, P parameters. A block is a fixed range of directions x samples; which
blocks there are depends on network, method and batch size alone, and each is always computed with the same shapes, so
any grouping of blocks into shards gives the same bits. The row of a block is a flat array in the parameters' dtype
(float64 for methods that use function values only); its last number is the block's share of the loss: the sum of its
samples' losses over N, the size of the whole batch. So rows add up over samples.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from numpy.typing import DTypeLike

from dualtrain.core.nn import Network
from dualtrain.core.nn.tensor import Array, Labels


@dataclass(frozen=True)
class Block:
    """Directions `[start, stop)` measured on samples `[start, stop)` of the batch."""

    index: int
    directions: tuple[int, int]
    samples: tuple[int, int]

    @property
    def work(self) -> int:
        """How much there is to measure: directions times samples."""
        return (self.directions[1] - self.directions[0]) * (self.samples[1] - self.samples[0])


@dataclass(frozen=True)
class Draw:
    """What random directions are drawn from, together with a block's index: the same anywhere, again and again."""

    seed: int
    step: int
    replica: int = 0


@dataclass(frozen=True)
class Estimate:
    """A gradient `(P,)`, the mean loss of the batch, and how far an estimate scatters.

    `variance` is the expected squared distance of the gradient from the exact one, estimated from the same rows;
    None for exact methods, and when there is one direction only.
    """

    gradient: Array
    loss: float
    variance: float | None = None


class Cost(NamedTuple):
    """Estimated cost of one batch.

    `peak_bytes`: while a block is measured; `row_numbers`: scalars in all rows; `combine_bytes`: peak beside the rows
    and the gradient while rows are combined. Bytes are those of float64.
    """

    peak_bytes: float
    row_numbers: int
    combine_bytes: float = 0.0


class Method(ABC):
    """A way to get a gradient from forward passes. Final classes only; each is part of the job spec as it is."""

    @abstractmethod
    def check(self, network: Network) -> None:
        """Raise a ValueError that names the layer this method cannot treat, and a method that can."""

    @abstractmethod
    def blocks(self, network: Network, batch_size: int) -> Sequence[Block]:
        """All blocks of a batch of this size, by index; counted and made without making all of them."""

    @abstractmethod
    def measure(
        self,
        network: Network,
        parameters: Array,
        inputs: Array,
        labels: Labels,
        blocks: Iterable[Block],
        draw: Draw,
    ) -> list[Array]:
        """One row for each of these blocks; `inputs` and `labels` are the whole batch."""

    @abstractmethod
    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        """Return the gradient, from the rows of all blocks in the order of their indices and the draw of `measure`."""

    @abstractmethod
    def passes(self, network: Network) -> int:
        """How many directions are pushed for one batch; 0 for methods that use function values only."""

    @abstractmethod
    def evaluations(self, network: Network) -> int:
        """How many times the loss of one batch is evaluated by methods that use function values only."""

    @abstractmethod
    def cost(self, network: Network, batch_size: int) -> Cost:
        """An estimate for planning, never part of a result."""


FIRST = Draw(seed=0, step=0)


def gradient(
    network: Network, parameters: Array, inputs: Array, labels: Labels, method: Method, draw: Draw = FIRST
) -> Array:
    """The gradient `(P,)` of the mean loss, all blocks measured here.

    Raises ValueError when the method cannot treat the network, and for a batch that does not fit it.
    """
    method.check(network)
    if inputs.shape != (len(labels), network.widths[0]):
        raise ValueError(f"{len(labels)} labels need inputs ({len(labels)}, {network.widths[0]}), not {inputs.shape}")
    blocks = method.blocks(network, len(labels))
    rows = method.measure(network, parameters, inputs, labels, blocks, draw)
    return method.combine(network, blocks, rows, parameters.dtype, draw).gradient
