"""How a gradient becomes a step: pure functions of (parameters, gradient, state), one frozen dataclass each.

Conventions: parameters, gradient and every state array are flat, `(P,)`, of one float dtype, which is preserved.
The gradient is clipped first, then weight decay is added to it (as `torch.optim` does), then the optimizer turns it
into a direction, and the step is the scheduled learning rate times that direction.
"""

from abc import ABC, abstractmethod
from dataclasses import field
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import Ge, Gt, Le, Lt
from numpy.typing import DTypeLike, NDArray
from pydantic import BeforeValidator, Discriminator
from pydantic.dataclasses import dataclass

from dualtrain.core.nn.config import CONFIG, by_default
from dualtrain.core.nn.schedules import Constant, Schedule

Vector: TypeAlias = NDArray[np.floating[Any]]
State: TypeAlias = tuple[Vector, ...]
Fraction: TypeAlias = Annotated[float, Ge(0), Lt(1)]
Factors: TypeAlias = Annotated[
    tuple[Annotated[float, Ge(0), Le(1e6)], ...],
    BeforeValidator(lambda value: tuple(value) if isinstance(value, list) else value),  # strict: JSON has lists
]
Epsilon: TypeAlias = Annotated[float, Ge(1e-30)]
"""Not 0 in float32 either: where a gradient is 0, it alone stands below the line."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AbstractOptimizer(ABC):
    """What all optimizers share; a final class adds `state_arrays` and `direction`."""

    learning_rate: Annotated[float, Gt(0)] = 0.1
    schedule: Schedule = field(default_factory=Constant)
    weight_decay: Annotated[float, Ge(0)] = 0.0
    clip_norm: Annotated[float, Gt(0)] | None = None
    layer_factors: Factors | None = None
    """For each layer a factor of the learning rate; 0 keeps the layer as it is."""

    def init(self, size: int, dtype: DTypeLike = np.float32) -> State:
        """The state before the first step: arrays of zeros, `(size,)` each."""
        return tuple(np.zeros(size, dtype) for _ in range(self.state_arrays()))

    def update(
        self,
        parameters: Vector,
        gradient: Vector,
        state: State,
        step: int,
        total_steps: int,
        factors: Vector | None = None,
    ) -> tuple[Vector, State]:
        """Return parameters and state after step number `step` (from 0); the arrays given are left as they are.

        `factors` `(P,)` are those of the learning rate, `layer_factors` at each layer's parameters.
        """
        rate = self.learning_rate * self.schedule.factor(step, total_steps)
        direction, state = self.step(parameters, _clipped(gradient, self.clip_norm), state, step)
        change = rate * direction
        if factors is not None:
            change *= factors
        return np.subtract(parameters, change, out=change), state

    def step(self, parameters: Vector, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        """Return what the learning rate is multiplied with, weight decay included, and the new state."""
        return self.direction(_decayed(gradient, parameters, self.weight_decay), state, step)

    @abstractmethod
    def state_arrays(self) -> int:
        """How many arrays of size P the state holds."""

    @abstractmethod
    def direction(self, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        """What the learning rate is multiplied with, and the new state."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class SGD(AbstractOptimizer):
    """Plain stochastic gradient descent."""

    name: Literal["sgd"] = "sgd"

    def state_arrays(self) -> int:
        return 0

    def direction(self, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        return gradient, state


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Momentum(AbstractOptimizer):
    """A heavy ball: the velocity is `momentum` times the last one plus the gradient (Polyak 1964)."""

    name: Literal["momentum"] = "momentum"
    momentum: Fraction = 0.9

    def state_arrays(self) -> int:
        return 1

    def direction(self, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        velocity = self.momentum * state[0] + gradient
        return velocity, (velocity,)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Nesterov(AbstractOptimizer):
    """Momentum that looks one step ahead (Nesterov 1983, in the form of Sutskever et al. 2013)."""

    name: Literal["nesterov"] = "nesterov"
    momentum: Fraction = 0.9

    def state_arrays(self) -> int:
        return 1

    def direction(self, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        velocity = self.momentum * state[0] + gradient
        return gradient + self.momentum * velocity, (velocity,)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Adam(AbstractOptimizer):
    """Adaptive moments (Kingma and Ba 2015); a learning rate about 0.001 is usual."""

    name: Literal["adam"] = "adam"
    learning_rate: Annotated[float, Gt(0)] = 0.001
    beta1: Fraction = 0.9
    beta2: Fraction = 0.999
    epsilon: Epsilon = 1e-8

    def state_arrays(self) -> int:
        return 2

    def direction(self, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        mean = self.beta1 * state[0] + (1 - self.beta1) * gradient
        square = self.beta2 * state[1] + (1 - self.beta2) * gradient * gradient
        unbiased_mean = mean / (1 - self.beta1 ** (step + 1))
        unbiased_square = square / (1 - self.beta2 ** (step + 1))
        return unbiased_mean / (np.sqrt(unbiased_square) + self.epsilon), (mean, square)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class AdamW(Adam):
    """Adam whose weight decay acts on the weights and not through the gradient (Loshchilov and Hutter 2019)."""

    name: Literal["adamw"] = "adamw"  # type: ignore[assignment]
    weight_decay: Annotated[float, Ge(0)] = 0.01

    def step(self, parameters: Vector, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        direction, state = self.direction(gradient, state, step)
        return direction + self.weight_decay * parameters, state


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class RMSprop(AbstractOptimizer):
    """The gradient over its running root mean square (Tieleman and Hinton 2012)."""

    name: Literal["rmsprop"] = "rmsprop"
    learning_rate: Annotated[float, Gt(0)] = 0.001
    decay: Fraction = 0.99
    epsilon: Epsilon = 1e-8

    def state_arrays(self) -> int:
        return 1

    def direction(self, gradient: Vector, state: State, step: int) -> tuple[Vector, State]:
        square = self.decay * state[0] + (1 - self.decay) * gradient * gradient
        return gradient / (np.sqrt(square) + self.epsilon), (square,)


def _clipped(gradient: Vector, clip_norm: float | None) -> Vector:
    if clip_norm is None:
        return gradient
    norm = float(np.linalg.norm(gradient.astype(np.float64)))  # squares of float32 overflow early
    return gradient * (clip_norm / norm) if norm > clip_norm else gradient


def _decayed(gradient: Vector, parameters: Vector, weight_decay: float) -> Vector:
    return gradient + weight_decay * parameters if weight_decay else gradient


Optimizer: TypeAlias = Annotated[
    SGD | Momentum | Nesterov | Adam | AdamW | RMSprop, Discriminator("name"), by_default("name", "sgd")
]
