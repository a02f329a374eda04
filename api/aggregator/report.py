"""What is told of a running job: progress, metrics, events, at most a few times a second."""

import time
from collections import deque
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from core.job import Metrics, Progress, now
from core.rounds import State
from core.store import Told
from core.training import Evaluation, Training

COALESCED_SECONDS = 0.2
"""The shortest time between two `step` events of a job."""
RATE_WINDOW = 50
"""Reports that the rate is taken over."""


class Lane(NamedTuple):
    """What one shard of a round was: who computed it, how long, after how many retries."""

    shard: int
    worker: str
    seconds: float
    retries: int


@dataclass
class Report:
    """Turns states into what the store keeps. `elapsed_seconds` is the running time of the job, across takeovers.

    `earlier` are the figures that were told before this run of it.
    """

    training: Training
    earlier: Metrics = field(default_factory=Metrics)
    elapsed_seconds: float = 0.0
    best: float | None = None
    evaluation: Evaluation | None = None
    _clock: float = field(default_factory=time.monotonic)
    _told: float = 0.0
    _marks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RATE_WINDOW))

    def tick(self) -> None:
        """Count the time since the last call."""
        at = time.monotonic()
        self.elapsed_seconds += at - self._clock
        self._clock = at

    def due(self) -> bool:
        """Return whether the last `step` event is long enough ago."""
        return time.monotonic() - self._told >= COALESCED_SECONDS

    def over(self) -> bool:
        """Return whether the job has run as long as its spec lets it."""
        limit = self.training.spec.max_seconds
        return limit is not None and self.elapsed_seconds >= limit

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
            epoch=round(state.step / self.training.batches.steps_per_epoch, 4),
            samples_seen=state.samples_seen,
            passes=state.passes,
            evaluations=state.evaluations,
            steps_per_second=rate,
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
        """Return the events of a report, with the point that they add to the history."""
        self._told = time.monotonic()
        point = {
            "step": state.step,
            "loss": state.loss,
            "test_accuracy": fresh.test_accuracy if fresh else None,
            "validation_accuracy": fresh.validation_accuracy if fresh else None,
            "elapsed_seconds": round(self.elapsed_seconds, 3),
            "at": now(),
        }
        progress = self.progress(state).model_dump(mode="json")
        shards = [lane._asdict() for lane in lanes]
        step = Told("step", state.step, {**progress, "loss": state.loss, "shards": shards}, None if fresh else point)
        if fresh is None:
            return [step]
        accuracies = {name: point[name] for name in ("step", "loss", "test_accuracy", "validation_accuracy")}
        return [step, Told("evaluation", state.step, {**accuracies, "best_test_accuracy": self.best}, point)]


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
