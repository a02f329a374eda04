"""Combination of the replicas' changes: averaged, or with an outer momentum (DiLoCo, Douillard et al. 2023)."""

from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Lt
from pydantic import Discriminator
from pydantic.dataclasses import dataclass

from dualtrain.core.nn.config import CONFIG, by_default
from dualtrain.core.rounds.base import State, Vector


@dataclass(frozen=True, config=CONFIG)
class OuterAverage:
    """The new parameters are the mean of the replicas'."""

    name: Literal["average"] = "average"

    def update(self, state: State, mean: Vector) -> tuple[Vector, tuple[Vector, ...]]:
        """Return the parameters (P,) and the outer state after a round whose replicas' mean is `mean` (P,)."""
        return mean, ()


@dataclass(frozen=True, config=CONFIG)
class OuterNesterov:
    """The mean change is a gradient for an outer Nesterov momentum. Defaults: DiLoCo (arXiv 2311.08105, section 3)."""

    name: Literal["nesterov"] = "nesterov"
    learning_rate: Annotated[float, Gt(0), Lt(10)] = 0.7
    momentum: Annotated[float, Ge(0), Lt(1)] = 0.9

    def update(self, state: State, mean: Vector) -> tuple[Vector, tuple[Vector, ...]]:
        """Return the parameters (P,) and the outer state after a round whose replicas' mean is `mean` (P,)."""
        change = mean - state.parameters
        rate, momentum = (mean.dtype.type(value) for value in (self.learning_rate, self.momentum))
        velocity = change + (momentum * state.outer[0] if state.outer else 0)
        return state.parameters + rate * (change + momentum * velocity), (velocity,)


Outer: TypeAlias = Annotated[OuterAverage | OuterNesterov, Discriminator("name"), by_default("name", "average")]
