"""One step a round: the gradient of one batch, its blocks measured anywhere, summed in block order."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from dualtrain.core.gradients import Block, Draw, Method, PerNeuron, gradient, shards
from dualtrain.core.gradients.local_losses import for_network
from dualtrain.core.nn import Network
from dualtrain.core.rounds.base import Setup, State, Vector, finite, no_check


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
        parameters, optimizer = self.update(state.parameters, estimate.gradient, state.optimizer, state.step)
        return State(
            step=state.step + 1,
            parameters=parameters,
            optimizer=optimizer,
            loss=estimate.loss,
            samples_seen=state.samples_seen + self.batches.epoch.size(state.step),
            passes=state.passes + self.method.passes(self.network),
            evaluations=state.evaluations + self.method.evaluations(self.network),
            gradient_norm=finite(float(np.linalg.norm(estimate.gradient))),
            gradient_variance=finite(estimate.variance),
            cosine=self._cosine(state, estimate.gradient),
        )

    def _cosine(self, state: State, estimated: Vector) -> float | None:
        """Return the cosine to the exact gradient if it is due after this step, else the newest one."""
        if self.cosine_every is None or (state.step + 1) % self.cosine_every:
            return state.cosine
        inputs, labels = self.batches.batch(state.step, dtype=state.parameters.dtype)
        exact = gradient(self.network, state.parameters, inputs, labels, for_network(PerNeuron(), self.network))
        lengths = float(np.linalg.norm(exact)) * float(np.linalg.norm(estimated))
        return finite(float(exact @ estimated) / lengths) if lengths else None


@lru_cache(maxsize=64)
def _shards(method: Method, network: Network, batch_size: int, shares: tuple[float, ...]) -> tuple[range, ...]:
    """Kept, because most rounds of a job are cut alike and the workers wait for it."""
    return tuple(shards([block.work for block in method.blocks(network, batch_size)], shares))
