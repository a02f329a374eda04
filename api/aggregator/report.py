"""What is told of a running job: progress, metrics, events, at most a few times a second."""

import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from dualtrain.core.history import ACCURACIES, DIAGNOSTICS, RecordedSteps
from dualtrain.core.job import Metrics, Progress, Reason
from dualtrain.core.loop import Evaluation, Training
from dualtrain.core.rounds import State
from dualtrain.core.scheduling import Lane
from dualtrain.core.store import Told

COALESCED_SECONDS = 0.25
"""The shortest time between two `step` events of a job, but for its last one: so no second has more than five."""
RATE_WINDOW = 50
"""Reports that the rate is taken over."""


@dataclass
class Report:
    """Turns states into what the store keeps.

    `elapsed_seconds` is the running time of the job, `worker_seconds` the time that workers computed for it, both
    across takeovers. `earlier` are the figures that were told before this run of it.
    """

    training: Training
    earlier: Metrics = field(default_factory=Metrics)
    elapsed_seconds: float = 0.0
    worker_seconds: float = 0.0
    best: float | None = None
    evaluation: Evaluation | None = None
    _clock: float = field(default_factory=time.monotonic)
    _told: float = 0.0
    _points: list[dict[str, Any]] = field(default_factory=list)
    _marks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RATE_WINDOW))

    @cached_property
    def _recorded(self) -> RecordedSteps:
        return RecordedSteps(self.training.total_steps, self.training.spec.evaluate_every)

    def tick(self, lanes: Iterable[Lane] = ()) -> None:
        """Count the time since the last call, and that of the shards of the round that was made in it."""
        at = time.monotonic()
        self.elapsed_seconds += at - self._clock
        self.worker_seconds += sum(lane.seconds for lane in lanes)
        self._clock = at

    def record(self, before: int, state: State, evaluation: Evaluation | None) -> None:
        """Add the state after a round that began at step `before` to the history, if its step is a recorded one."""
        ends_unevaluated = evaluation is None and self.over()  # `record_end` follows
        if not ends_unevaluated and (self._recorded.due(before, state.step) or self.reached()):
            self.record_end(state, evaluation)

    def record_end(self, state: State, evaluation: Evaluation | None) -> None:
        """Add a state to the history, whatever its step."""
        self._points.append(self._point(state, evaluation))

    def due(self) -> bool:
        """Return whether the last `step` event is long enough ago."""
        return time.monotonic() - self._told >= COALESCED_SECONDS

    def over(self) -> bool:
        """Return whether the job has run as long as its spec lets it."""
        limit = self.training.spec.max_seconds
        return limit is not None and self.elapsed_seconds >= limit

    def reached(self) -> bool:
        """Return whether the last evaluation is at the spec's target."""
        target, last = self.training.spec.target_accuracy, self.evaluation
        return target is not None and last is not None and last.score >= target

    def why_ended(self, state: State) -> Reason:
        """Return why a job ends at a state: its target, or a limit, or all was made."""
        spec = self.training.spec
        if self.reached():
            return Reason(code="target_accuracy", message=f"reached {spec.target_accuracy:.2%} at step {state.step}")
        if state.step < self.training.total_steps:
            return Reason(code="max_seconds", message=f"stopped after {spec.max_seconds} s, at step {state.step}")
        if spec.max_steps is not None and state.step >= spec.max_steps:
            return Reason(code="max_steps", message="made all its steps")
        return Reason(code="completed", message="made all its epochs")

    def take(self, evaluation: Evaluation) -> None:
        """Remember an evaluation, and the best accuracy on the test split."""
        self.evaluation = evaluation
        self.best = max(evaluation.test_accuracy, self.best or 0.0)

    def progress(self, state: State) -> Progress:
        """Return the counters, with rate and remaining time as of the last reports."""
        self._marks.append((time.monotonic(), state.step))
        (then, before), (at, step) = self._marks[0], self._marks[-1]
        rate = (step - before) / (at - then) if at > then else None
        total = self.training.total_steps
        return Progress(
            step=state.step,
            total_steps=total,
            epoch=round(state.step / self.training.batches.epoch.steps, 4),
            samples_seen=state.samples_seen,
            passes=state.passes,
            evaluations=state.evaluations,
            steps_per_second=rate,
            worker_seconds=round(self.worker_seconds, 4),
            eta_seconds=(total - state.step) / rate if rate else None,
        )

    def metrics(self, state: State) -> Metrics:
        """Return the newest loss and accuracies."""
        last = self.evaluation or self.earlier
        return Metrics(
            loss=state.loss,
            test_accuracy=last.test_accuracy,
            best_test_accuracy=self.best,
            validation_accuracy=last.validation_accuracy,
        )

    def told(self, state: State, fresh: Evaluation | None, lanes: list[Lane]) -> list[Told]:
        """Return the events of a report and the points of the history since the last one.

        An evaluation has no `step` event beside it when the last one was just told.
        """
        told = [Told("", point["step"], {}, point) for point in self._points]
        self._points = []
        if not fresh or self.due() or self._is_last(state):
            self._told = time.monotonic()
            progress = self.progress(state).model_dump(mode="json") | {"loss": state.loss}
            progress |= {name: getattr(state, name) for name in DIAGNOSTICS}
            shards = [lane._asdict() for lane in lanes]
            told.append(Told("step", state.step, {**progress, "shards": shards}))
        if fresh:
            beside = {"passes": state.passes, "loss": state.loss, "best_test_accuracy": self.best}
            told.append(Told("evaluation", state.step, {"step": state.step, **_accuracies(fresh), **beside}))
        return told

    def _point(self, state: State, evaluation: Evaluation | None) -> dict[str, Any]:
        """Return a point of the history; diagnostics are those that the state carries."""
        return {
            "step": state.step,
            "samples_seen": state.samples_seen,
            "passes": state.passes,
            "evaluations": state.evaluations,
            "loss": state.loss,
            **_accuracies(evaluation),
            **{name: getattr(state, name) for name in DIAGNOSTICS},
            "seconds": round(self.elapsed_seconds, 3),
            "worker_seconds": round(self.worker_seconds, 4),
        }

    def _is_last(self, state: State) -> bool:
        return state.step >= self.training.total_steps or self.reached() or self.over()


def _accuracies(evaluation: Evaluation | None) -> dict[str, float | None]:
    return {name: getattr(evaluation, name, None) for name in ACCURACIES}


def document(evaluation: Evaluation) -> dict[str, Any]:
    """Return an evaluation as JSON: the confusion matrix (rows are true classes) and the accuracy of each class."""
    counts = evaluation.confusion
    totals = counts.sum(axis=1)
    return {
        "step": evaluation.step,
        "test_accuracy": evaluation.test_accuracy,
        "validation_accuracy": evaluation.validation_accuracy,
        "confusion": counts.tolist(),
        "by_class": [float(right / n) if n else None for right, n in zip(counts.diagonal(), totals, strict=True)],
    }
