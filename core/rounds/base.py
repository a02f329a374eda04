"""The interface of rounds, and the state that they carry from one to the next."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from math import isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.gradients import Method
from dualtrain.core.nn import Network, Optimizer
from dualtrain.core.rounds.batches import Batches

Vector = NDArray[Any]


VECTORS = ("parameters", "optimizer", "outer")


@dataclass(frozen=True)
class State:
    """A job between two rounds. `parameters` and the vectors of `optimizer`, `outer` are (P,); counters are totals.

    `gradient_norm` and, of estimates, `gradient_variance` are those of the last step, None in rounds of several steps;
    `cosine` is the newest one between a step's gradient and the exact gradient of its batch.
    """

    step: int
    parameters: Vector
    optimizer: tuple[Vector, ...] = ()
    outer: tuple[Vector, ...] = ()
    loss: float | None = None
    samples_seen: int = 0
    passes: int = 0
    evaluations: int = 0
    gradient_norm: float | None = None
    gradient_variance: float | None = None
    cosine: float | None = None

    def figures(self) -> dict[str, Any]:
        """Return everything but the vectors, as JSON has it."""
        return {field.name: getattr(self, field.name) for field in fields(self) if field.name not in VECTORS}

    def is_finite(self) -> bool:
        """Return whether the loss, if there is one, and all parameters are finite."""
        return (self.loss is None or isfinite(self.loss)) and bool(np.all(np.isfinite(self.parameters)))


@dataclass(frozen=True)
class Setup:
    """Common parts of all round algorithms."""

    network: Network
    method: Method
    optimizer: Optimizer
    batches: Batches
    total_steps: int
    seed: int
    """That of the directions."""
    cosine_every: int | None = field(default=None, kw_only=True)
    """Steps between two comparisons with the exact gradient; None for no comparison."""

    @cached_property
    def factors(self) -> Vector | None:
        """The factors of the learning rate (P,), None where all are 1."""
        factors = self.optimizer.layer_factors
        return None if factors is None else self.network.spread(factors, np.float32)

    def update(
        self, parameters: Vector, gradient: Vector, state: tuple[Vector, ...], step: int
    ) -> tuple[Vector, tuple[Vector, ...]]:
        """Return parameters and optimizer state after step number `step`."""
        return self.optimizer.update(parameters, gradient, state, step, self.total_steps, self.factors)


def finite(value: float | None) -> float | None:
    """Return the value, None where it is not finite: JSON has no such numbers."""
    return value if value is not None and isfinite(value) else None


def no_check() -> None:
    """Let the work go on."""


class Rounds(Protocol):
    """One way to make rounds. A round has units, computed anywhere in any grouping; their rows advance the state."""

    def length(self, step: int) -> int:
        """Return how many steps the round that begins at `step` makes."""
        ...

    def units(self, step: int) -> int:
        """Return how many units of work the round has."""
        ...

    def shards(self, step: int, shares: Sequence[float]) -> Sequence[range]:
        """Return the round's units, in order, as runs of about these shares of its work; fewer when units are fewer."""
        ...

    def vector(self, state: State) -> Vector:
        """Return what the units need of the state, as one vector."""
        ...

    def measure(
        self, vector: Vector, step: int, units: Iterable[int], proceed: Callable[[], None] = no_check
    ) -> list[Vector]:
        """Return the rows of some units, each with the same bits whatever others are asked for along with it.

        `units` is read one by one as they are measured; `proceed` is called between the parts of a long unit, and may
        raise to end the work.
        """
        ...

    def advance(self, state: State, rows: Sequence[Vector]) -> State:
        """Return the state after the round, from the rows of all units in order."""
        ...
