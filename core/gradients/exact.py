"""What the exact methods share: one forward pass over some samples serves all blocks on them."""

from abc import abstractmethod
from collections.abc import Iterable

from dualtrain.core.gradients.base import Block, Draw, Method
from dualtrain.core.gradients.blocks import Grid
from dualtrain.core.gradients.forward import Forward, by_samples, check_dense
from dualtrain.core.nn import Network
from dualtrain.core.nn.tensor import Array, Labels


class Exact(Method):
    """A method whose blocks push tangents on from the layers of a plain forward pass."""

    method: str

    @abstractmethod
    def blocks(self, network: Network, batch_size: int) -> Grid: ...

    @abstractmethod
    def row(self, forward: Forward, block: Block) -> Array:
        """The row of a block, whose samples `forward` holds."""

    def check(self, network: Network) -> None:
        check_dense(network, self.method)

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        return [self.row(*pair) for pair in by_samples(network, parameters, inputs, labels, blocks)]

    def evaluations(self, network: Network) -> int:
        return 0

    def row_numbers(self, network: Network, batch_size: int) -> int:
        """Every parameter's slope for each range of samples, and a loss for every block."""
        blocks = self.blocks(network, batch_size)
        return network.size * len(blocks.samples) + len(blocks)
