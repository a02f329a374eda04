"""One step a round: the gradient of one batch, its blocks measured anywhere, summed in block order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from dualtrain.core.gradients import Block, Draw, GradientMethod, shards
from dualtrain.core.nn import Network
from dualtrain.core.rounds.base import Setup, State, Vector, no_check


@dataclass(frozen=True)
class Synchronous(Setup):
    """Rounds whose units are the method's blocks."""

    def length(self, step: int) -> int:
        return 1

    def blocks(self, step: int) -> Sequence[Block]:
        """Return the blocks of a step's batch; the last batch of an epoch may be short."""
        return self.method.blocks(self.network, self.batches.epoch.size(step))

    def units(self, step: int) -> int:
        return len(self.blocks(step))

    def shards(self, step: int, shares: Sequence[float]) -> Sequence[range]:
        return _shards(self.method, self.network, self.batches.epoch.size(step), tuple(shares))

    def vector(self, state: State) -> Vector:
        return state.parameters

    def measure(
        self, vector: Vector, step: int, units: Iterable[int], proceed: Callable[[], None] = no_check
    ) -> list[Vector]:
        inputs, labels = self.batches.batch(step, dtype=vector.dtype)
        blocks = self.blocks(step)
        chosen = (blocks[unit] for unit in units)
        return self.method.measure(self.network, vector, inputs, labels, chosen, Draw(self.seed, step))

    def advance(self, state: State, rows: Sequence[Vector]) -> State:
        draw = Draw(self.seed, state.step)
        estimate = self.method.combine(self.network, self.blocks(state.step), rows, state.parameters.dtype, draw)
        parameters, optimizer = self.optimizer.update(
            state.parameters, estimate.gradient, state.optimizer, state.step, self.total_steps
        )
        return State(
            step=state.step + 1,
            parameters=parameters,
            optimizer=optimizer,
            loss=estimate.loss,
            samples_seen=state.samples_seen + self.batches.epoch.size(state.step),
            passes=state.passes + self.method.passes(self.network),
            evaluations=state.evaluations + self.method.evaluations(self.network),
        )


@lru_cache(maxsize=64)
def _shards(method: GradientMethod, network: Network, batch_size: int, shares: tuple[float, ...]) -> tuple[range, ...]:
    """Kept, because most rounds of a job are cut alike and the workers wait for it."""
    return tuple(shards([block.work for block in method.blocks(network, batch_size)], shares))
