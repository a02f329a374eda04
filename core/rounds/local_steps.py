"""Several steps a round: each replica trains on batches of its own, then what they changed is averaged.

Local SGD (Stich 2019, arXiv 1805.09767).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from dualtrain.core.gradients import Draw, shards
from dualtrain.core.rounds.base import Setup, State, Vector, no_check
from dualtrain.core.rounds.outer import Outer


@dataclass(frozen=True)
class LocalSteps(Setup):
    """Rounds whose units are replicas. A row is the replica's parameters, its optimizer state, and its mean loss."""

    steps: int
    replicas: int
    outer: Outer

    def length(self, step: int) -> int:
        return min(self.steps, self.total_steps - step)

    def units(self, step: int) -> int:
        return self.replicas

    def shards(self, step: int, shares: Sequence[float]) -> Sequence[range]:
        return shards([1.0] * self.replicas, shares)

    def vector(self, state: State) -> Vector:
        return np.concatenate((state.parameters, *state.optimizer))

    def measure(
        self, vector: Vector, step: int, units: Iterable[int], proceed: Callable[[], None] = no_check
    ) -> list[Vector]:
        return [self._replica(vector, step, replica, proceed) for replica in units]

    def advance(self, state: State, rows: Sequence[Vector]) -> State:
        mean = _mean(rows)[:-1]
        parts = np.split(mean, len(mean) // self.network.size)
        parameters, outer = self.outer.update(state, parts[0])
        length = self.length(state.step)
        size = self.batches.epoch.size
        sizes = np.array([[size(state.step + at, r) for at in range(length)] for r in range(self.replicas)])
        batches = int(np.count_nonzero(sizes))
        return State(
            step=state.step + length,
            parameters=parameters,
            optimizer=tuple(parts[1:]),
            outer=outer,
            loss=float(np.mean([row[-1] for row, seen in zip(rows, sizes, strict=True) if seen.any()])),
            samples_seen=state.samples_seen + int(sizes.sum()),
            passes=state.passes + batches * self.method.passes(self.network),
            evaluations=state.evaluations + batches * self.method.evaluations(self.network),
        )

    def _replica(self, vector: Vector, step: int, replica: int, proceed: Callable[[], None]) -> Vector:
        parameters, *optimizer = np.split(vector, len(vector) // self.network.size)
        losses: list[float] = []
        for at in range(step, step + self.length(step)):
            proceed()
            inputs, labels = self.batches.batch(at, replica, dtype=vector.dtype)
            if len(labels) == 0:  # an epoch's last samples do not reach every replica
                continue
            blocks = self.method.blocks(self.network, len(labels))
            draw = Draw(self.seed, at, replica)
            rows = self.method.measure(self.network, parameters, inputs, labels, blocks, draw)
            estimate = self.method.combine(self.network, blocks, rows, vector.dtype, draw)
            parameters, state = self.update(parameters, estimate.gradient, tuple(optimizer), at)
            optimizer = list(state)
            losses.append(estimate.loss)
        loss: Any = np.mean(losses) if losses else np.nan
        return np.concatenate((parameters, *optimizer, np.array([loss], vector.dtype)))


def _mean(rows: Sequence[Vector]) -> Vector:
    total = rows[0].copy()
    for row in rows[1:]:
        total += row
    total /= total.dtype.type(len(rows))
    return total
