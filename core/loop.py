"""A training run as pure functions of its spec and data: the same whether one process computes it or a hundred."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.data import Dataset, scale
from dualtrain.core.nn import Network
from dualtrain.core.rounds import Batches, Epoch, LocalSteps, Rounds, State, Synchronous
from dualtrain.core.spec import JobSpec

Measure = Callable[[State], Sequence[NDArray[Any]]]
"""Returns the rows of all units of the round that begins at a state: computed here, or by workers."""

EVALUATED_AT_ONCE = 2000
"""Samples per forward pass of an evaluation at most, so that it needs little memory."""
EVALUATED_NUMBERS = 1 << 23
"""In the widest layer of such a pass, for the same reason."""


class Diverged(ArithmeticError):
    """A loss or a parameter is not finite. `state` is what that step made, without such a loss: JSON has no NaN."""

    def __init__(self, state: State, message: str) -> None:
        super().__init__(message)
        self.state = state


@dataclass(frozen=True)
class Evaluation:
    """How a model does on the test split: `confusion` (C, C) counts, rows are true classes. Accuracies from 0 to 1."""

    step: int
    test_accuracy: float
    validation_accuracy: float | None
    confusion: NDArray[np.int64]

    @property
    def score(self) -> float:
        """What `best` and `target_accuracy` go by: the held-back samples where there are some, else the test split."""
        return self.test_accuracy if self.validation_accuracy is None else self.validation_accuracy


@dataclass(frozen=True)
class Training:
    """A job's spec together with its data."""

    spec: JobSpec
    data: Dataset

    @cached_property
    def network(self) -> Network:
        """The network that the spec describes."""
        return network_for(self.spec)

    @cached_property
    def batches(self) -> Batches:
        """The batches of every step."""
        return Batches(self.data, self.spec.order_seed, epoch_for(self.spec, len(self.data.train_labels)))

    @cached_property
    def total_steps(self) -> int:
        """How many steps each replica makes."""
        return steps_for(self.spec, self.batches.epoch)

    @cached_property
    def rounds(self) -> Rounds:
        """How the job's rounds are made."""
        spec = self.spec
        shared = (self.network, spec.gradient, spec.optimizer, self.batches, self.total_steps, spec.directions_seed)
        if spec.local_steps > 1:
            return LocalSteps(*shared, steps=spec.local_steps, replicas=spec.replicas, outer=spec.outer)
        return Synchronous(*shared, cosine_every=spec.diagnostics.cosine_every)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The dtype of parameters and rows."""
        return np.dtype(self.spec.dtype)

    def initial(self, parameters: NDArray[Any] | None = None) -> State:
        """Return the state before step 0, from `parameters` (P,) or from the seed."""
        if parameters is None:
            parameters = self.network.init(self.spec.weights_seed, self.dtype)
        parameters = parameters.astype(self.dtype)
        return State(0, parameters, self.spec.optimizer.init(parameters.size, self.dtype))

    def measure(self, state: State) -> list[NDArray[Any]]:
        """Return the rows of a whole round, computed here."""
        units = range(self.rounds.units(state.step))
        return self.rounds.measure(self.rounds.vector(state), state.step, units)

    def due(self, before: int, after: int) -> bool:
        """Return whether a round from step `before` to `after` ends with an evaluation."""
        return after // self.spec.evaluate_every > before // self.spec.evaluate_every or after >= self.total_steps

    def evaluate(self, state: State) -> Evaluation:
        """Return how the state's parameters do on the whole test split, and on the held-back samples."""
        confusion = self._confusion(state, *self.data.test())
        held = self.data.validation(self.spec.dataset.validation_limit)
        accuracy = _accuracy(self._confusion(state, *held)) if len(held[1]) else None
        return Evaluation(state.step, _accuracy(confusion), accuracy, confusion)

    def _confusion(self, state: State, images: NDArray[np.uint8], labels: NDArray[Any]) -> NDArray[np.int64]:
        classes = len(self.data.classes)
        counts = np.zeros(classes * classes, np.int64)
        count = evaluated_at_once(self.network)
        for start in range(0, len(labels), count):
            part = slice(start, start + count)
            found = self.network.predict(state.parameters, scale(images[part], self.dtype))
            counts += np.bincount(labels[part].astype(np.int64) * classes + found, minlength=classes * classes)
        return counts.reshape(classes, classes)


def network_for(spec: JobSpec) -> Network:
    """Return the network of a spec, over `image_size²` inputs."""
    return Network(spec.dataset.image_size**2, tuple(spec.network.layers), spec.network.loss)


def epoch_for(spec: JobSpec, train_samples: int) -> Epoch:
    """Return an epoch on a split of so many samples: the first `train_limit` of those that are not held back."""
    samples = train_samples - spec.dataset.validation_limit
    replicas = spec.replicas if spec.local_steps > 1 else 1
    return Epoch(min(samples, spec.dataset.train_limit or samples), spec.batch_size, replicas)


def steps_for(spec: JobSpec, epoch: Epoch) -> int:
    """Return how many steps each replica makes: all epochs, or `max_steps` when that is fewer."""
    steps = spec.epochs * epoch.steps
    return min(steps, spec.max_steps or steps)


def evaluated_at_once(network: Network) -> int:
    """Return how many samples one forward pass of an evaluation takes."""
    return max(1, min(EVALUATED_AT_ONCE, EVALUATED_NUMBERS // max(network.widths)))


def train(training: Training, state: State, measure: Measure) -> Iterator[tuple[State, Evaluation | None]]:
    """Yield the state after each round, evaluated where that is due, until the last step or the target accuracy.

    Raises Diverged when the loss of a step or a parameter after it is not finite.
    """
    while state.step < training.total_steps:
        before, state = state.step, training.rounds.advance(state, measure(state))
        if state.loss is not None and not np.isfinite(state.loss):
            raise _diverged(training, replace(state, loss=None), "the loss of")
        if not np.all(np.isfinite(state.parameters)):  # the loss is that of the parameters before the step
            raise _diverged(training, state, "a parameter after")
        evaluation = training.evaluate(state) if training.due(before, state.step) else None
        yield state, evaluation
        target = training.spec.target_accuracy
        if evaluation is not None and target is not None and evaluation.score >= target:
            return


def _diverged(training: Training, state: State, what: str) -> Diverged:
    rate = training.spec.optimizer.learning_rate
    return Diverged(state, f"{what} step {state.step} is not finite; try a lower learning rate than {rate}")


def _accuracy(confusion: NDArray[np.int64]) -> float:
    return float(np.trace(confusion) / max(1, confusion.sum()))
