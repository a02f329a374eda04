"""Learning-rate schedules: a factor of the learning rate for each step, after an optional linear warm-up."""

from abc import ABC, abstractmethod
from math import cos, pi
from typing import Annotated, Literal, TypeAlias

from annotated_types import Ge, Gt, Le
from pydantic import Discriminator
from pydantic.dataclasses import dataclass

from dualtrain.core.nn.config import CONFIG, by_default

Steps: TypeAlias = Annotated[int, Ge(0)]


class AbstractSchedule(ABC):
    """What the learning rate is multiplied with, as a function of the step."""

    @abstractmethod
    def factor(self, step: int, total_steps: int) -> float:
        """The factor, 0 to 1, of step number `step` (from 0) of `total_steps`."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Constant(AbstractSchedule):
    """The factor is 1."""

    name: Literal["constant"] = "constant"
    warmup_steps: Steps = 0

    def factor(self, step: int, total_steps: int) -> float:
        return _warmup(self.warmup_steps, step)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Step(AbstractSchedule):
    """The factor is multiplied by `decay` after every `every` steps."""

    name: Literal["step"] = "step"
    every: Annotated[int, Ge(1)] = 1000
    decay: Annotated[float, Gt(0), Le(1)] = 0.5
    warmup_steps: Steps = 0

    def factor(self, step: int, total_steps: int) -> float:
        return _warmup(self.warmup_steps, step) * float(self.decay ** (step // self.every))


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Cosine(AbstractSchedule):
    """The factor falls along half a cosine from 1, where the warm-up ends, to `final` at the last step."""

    name: Literal["cosine"] = "cosine"
    final: Annotated[float, Ge(0), Le(1)] = 0.0
    warmup_steps: Steps = 0

    def factor(self, step: int, total_steps: int) -> float:
        span = max(total_steps - 1 - self.warmup_steps, 1)
        done = min(max(step - self.warmup_steps, 0) / span, 1.0)
        return _warmup(self.warmup_steps, step) * (self.final + (1 - self.final) * (1 + cos(pi * done)) / 2)


def _warmup(warmup_steps: int, step: int) -> float:
    return min((step + 1) / (warmup_steps + 1), 1.0)  # the first step moves a little, the one after the warm-up fully


Schedule: TypeAlias = Annotated[Constant | Step | Cosine, Discriminator("name"), by_default("name", "constant")]
