"""A training run as pure functions of its spec and data: the same whether one process computes it or a hundred."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property
from math import ceil, isfinite
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.data import Dataset, scale
from dualtrain.core.evaluation import Evaluation, accuracy, evaluated_at_once
from dualtrain.core.history import RecordedSteps
from dualtrain.core.nn import Network
from dualtrain.core.rounds import Batches, Epoch, LocalSteps, Rounds, State, Synchronous
from dualtrain.core.rounds.base import no_check
from dualtrain.core.spec import JobSpec


class Diverged(ArithmeticError):
    """A loss or a parameter is not finite. `state` is what that step made, without such a loss: JSON has no NaN."""

    def __init__(self, state: State, message: str) -> None:
        super().__init__(message)
        self.state = state


class End(StrEnum):
    """Why a training ends at a state."""

    TARGET_ACCURACY = "target_accuracy"
    MAX_SECONDS = "max_seconds"
    MAX_STEPS = "max_steps"
    COMPLETED = "completed"


@dataclass(frozen=True)
class Moment:
    """A state of a training. `points` are the figures at the recorded steps since the moment before.

    `evaluation` is that of the state, when one was due; `end` says why the training ends here, if it does.
    """

    state: State
    points: Sequence[Mapping[str, Any]]
    evaluation: Evaluation | None
    end: End | None


class Work(Protocol):
    """Source of a state's evaluation and of the rounds after it, computed ahead by workers or on demand."""

    def evaluation(self) -> Evaluation:
        """Return the evaluation of the state."""
        ...

    def rounds(self) -> tuple[State, Sequence[Mapping[str, Any]]]:
        """Return a later state, and the figures at the recorded steps up to it."""
        ...


class Begin(Protocol):
    """Begins the work that follows a state."""

    def __call__(self, state: State, *, evaluate: bool, stop: int | None) -> Work:
        """Begin the evaluation of `state`, if asked for, and rounds up to step `stop` at most; none when it is None."""
        ...


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
        """Number of steps of each replica."""
        return steps_for(self.spec, self.batches.epoch)

    @cached_property
    def rounds(self) -> Rounds:
        """Algorithm of the job's rounds."""
        spec = self.spec
        shared = (self.network, spec.method, spec.optimizer, self.batches, self.total_steps, spec.directions_seed)
        if spec.local_steps > 1:
            return LocalSteps(*shared, steps=spec.local_steps, replicas=spec.replicas, outer=spec.outer)
        return Synchronous(*shared, cosine_every=spec.diagnostics.cosine_every)

    @cached_property
    def recorded_steps(self) -> RecordedSteps:
        """The steps at which the history is recorded."""
        return RecordedSteps(self.total_steps, self.spec.evaluate_every)

    def recorded(self, before: int, state: State) -> list[dict[str, Any]]:
        """Return the figures of the state after a round from step `before`, if they are part of the history."""
        return [state.figures()] if self.recorded_steps.due(before, state.step) else []

    def rounds_between(self, before: int, after: int) -> int:
        """Return how many rounds lead from one step to another."""
        return ceil((after - before) / self.spec.local_steps)

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

    def due(self, before: int, after: int) -> bool:
        """Return whether a round from step `before` to `after` ends with an evaluation."""
        return after // self.spec.evaluate_every > before // self.spec.evaluate_every or after >= self.total_steps

    def next_evaluation(self, step: int) -> int:
        """Return the step at or after which the next evaluation is due."""
        return min((step // self.spec.evaluate_every + 1) * self.spec.evaluate_every, self.total_steps)

    def end(self, state: State, evaluation: Evaluation | None, seconds: float) -> End | None:
        """Return why the training ends at a state, None when it goes on. `evaluation` is that of the state, if any."""
        spec, target = self.spec, self.spec.target_accuracy
        if target is not None and evaluation is not None and evaluation.score >= target:
            return End.TARGET_ACCURACY
        if state.step >= self.total_steps:
            return End.MAX_STEPS if spec.max_steps is not None and state.step >= spec.max_steps else End.COMPLETED
        return End.MAX_SECONDS if self.is_over(seconds) else None

    def is_over(self, seconds: float) -> bool:
        """Return whether the training has run as long as its spec lets it."""
        return self.spec.max_seconds is not None and seconds >= self.spec.max_seconds

    def evaluate(self, state: State, proceed: Callable[[], None] = no_check) -> Evaluation:
        """Return how the state's parameters do on the whole test split, and on the held-back samples.

        `proceed` is called between the parts of the work, and may raise to end it.
        """
        held = self.data.validation(self.spec.dataset.validation_limit)
        splits = (self.data.test(), held)
        test, validation = (self._confusion(state, *split, proceed) for split in splits)
        return Evaluation(state.step, accuracy(test), accuracy(validation) if len(held[1]) else None, test)

    def _confusion(
        self, state: State, images: NDArray[np.uint8], labels: NDArray[Any], proceed: Callable[[], None]
    ) -> NDArray[np.int64]:
        classes = len(self.data.classes)
        counts = np.zeros(classes * classes, np.int64)
        count = evaluated_at_once(self.network)
        for start in range(0, len(labels), count):
            proceed()
            part = slice(start, start + count)
            predicted = self.network.predict(state.parameters, scale(images[part], self.dtype))
            counts += np.bincount(labels[part].astype(np.int64) * classes + predicted, minlength=classes * classes)
        return counts.reshape(classes, classes)


def network_for(spec: JobSpec) -> Network:
    """Return the network of a spec, over the images of its data set."""
    return spec.model


def epoch_for(spec: JobSpec, train_samples: int) -> Epoch:
    """Return an epoch on a split with this many samples: the first `train_limit` of those that are not held back."""
    samples = train_samples - spec.dataset.validation_limit
    replicas = spec.replicas if spec.local_steps > 1 else 1
    return Epoch(min(samples, spec.dataset.train_limit or samples), spec.batch_size, replicas)


def steps_for(spec: JobSpec, epoch: Epoch) -> int:
    """Return how many steps each replica makes: all epochs, or `max_steps` when that is fewer."""
    steps = spec.epochs * epoch.steps
    return min(steps, spec.max_steps or steps)


def train(
    training: Training,
    state: State,
    begin: Begin,
    seconds: Callable[[], float],
    evaluation: Evaluation | None = None,
) -> Iterator[Moment]:
    """Yield a training's states until its end, each while the work that follows it is under way.

    `evaluation` is that of the first state, if there is one; `seconds` says how long the training has run. Raises
    Diverged when the loss of a step or a parameter after it is not finite.
    """
    before, elapsed = state.step, 0.0  # whatever time is over, there is a round at least
    points: Sequence[Mapping[str, Any]] = ()
    while True:
        known = evaluation if evaluation is not None and evaluation.step == state.step else None
        last = training.end(state, known, elapsed) is not None
        evaluate = known is None and (last or training.due(before, state.step))
        work = begin(state, evaluate=evaluate, stop=None if last else training.next_evaluation(state.step))
        evaluation = work.evaluation() if evaluate else known
        end = training.end(state, evaluation, elapsed) if last or evaluate else None
        yield Moment(state, points, evaluation if evaluate else None, end)
        if end is not None:
            return
        before = state.step
        state, points = work.rounds()
        elapsed = seconds()
        _check_finite(training, state)


def _check_finite(training: Training, state: State) -> None:
    rate = training.spec.optimizer.learning_rate
    if state.is_finite():
        return
    if state.loss is not None and not isfinite(state.loss):
        state, what = replace(state, loss=None), "the loss of"
    else:  # the loss is that of the parameters before the step
        what = "a parameter after"
    raise Diverged(state, f"{what} step {state.step} is not finite; try a lower learning rate than {rate}")
