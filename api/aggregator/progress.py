"""Progress reports of a running job: the states of its training become progress, metrics and events, by the clock."""

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from dualtrain.core.evaluation import Evaluation
from dualtrain.core.history import ACCURACIES, DIAGNOSTICS
from dualtrain.core.job import JobProgress, Metrics, Reason
from dualtrain.core.loop import End, Moment, Training
from dualtrain.core.rounds import State
from dualtrain.core.scheduling import Lane
from dualtrain.core.store import JobEvent

COALESCED_SECONDS = 0.25
"""The shortest time between two `step` events of a job, but for its last one: so no second has more than five."""
RATE_WINDOW = 50
"""Reports that the rate is taken over."""


@dataclass
class Report:
    """The figures of a job across takeovers.

    `seconds` is its running time, `worker_seconds` the time that workers computed for it, `best` the best accuracy on
    the test split, `earlier` the metrics that were written before this run of it.
    """

    training: Training
    earlier: Metrics = field(default_factory=Metrics)
    seconds: float = 0.0
    worker_seconds: float = 0.0
    best: float | None = None
    evaluation: Evaluation | None = None
    _clock: float = field(default_factory=time.monotonic)
    _reported_at: float = 0.0
    _points: list[dict[str, Any]] = field(default_factory=list)
    _marks: deque[tuple[float, int]] = field(default_factory=lambda: deque(maxlen=RATE_WINDOW))

    def elapsed(self) -> float:
        """Return the running time until now."""
        return self.seconds + time.monotonic() - self._clock

    def take(self, moment: Moment, lanes: Sequence[Lane]) -> None:
        """Take a moment of the training, and the tasks of the round that led to it."""
        self.seconds, self._clock = self.elapsed(), time.monotonic()
        self.worker_seconds += sum(lane.seconds for lane in lanes)
        if moment.evaluation is not None:
            self.evaluation = moment.evaluation
            self.best = max(moment.evaluation.test_accuracy, self.best or 0.0)
        self._record(moment)

    def _record(self, moment: Moment) -> None:
        """Add points to the history: those of the moment, and its last state when the training ends there."""
        last = moment.state.step
        points = list(moment.points)
        if moment.end is not None and moment.evaluation is not None and not any(p["step"] == last for p in points):
            points.append(moment.state.figures())
        for point in points:
            self._points.append(self._point(point, moment.evaluation if point["step"] == last else None))

    def record_end(self, state: State) -> None:
        """Add a last state to the history, whatever its step."""
        self._points.append(self._point(state.figures(), None))

    def due(self) -> bool:
        """Return whether the last `step` event is long enough ago."""
        return time.monotonic() - self._reported_at >= COALESCED_SECONDS

    def progress(self, state: State) -> JobProgress:
        """Return the counters, with rate and remaining time as of the last reports."""
        self._marks.append((time.monotonic(), state.step))
        (then, before), (at, step) = self._marks[0], self._marks[-1]
        rate = (step - before) / (at - then) if at > then else None
        total = self.training.total_steps
        return JobProgress(
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

    def events(
        self, state: State, evaluation: Evaluation | None, lanes: Sequence[Lane], *, last: bool
    ) -> list[JobEvent]:
        """Return the events of a report and the points of the history since the one before.

        An evaluation has no `step` event beside it when there was one just before, unless it is the `last`.
        """
        events = [JobEvent("", point["step"], {}, point) for point in self._points]
        self._points = []
        if evaluation is None or self.due() or last:
            self._reported_at = time.monotonic()
            progress = self.progress(state).model_dump(mode="json") | {"loss": state.loss}
            progress |= {name: getattr(state, name) for name in DIAGNOSTICS}
            events.append(JobEvent("step", state.step, {**progress, "shards": [lane._asdict() for lane in lanes]}))
        if evaluation is not None:
            beside = {"passes": state.passes, "loss": state.loss, "best_test_accuracy": self.best}
            events.append(JobEvent("evaluation", state.step, {**evaluation.accuracies(), **beside}))
        return events

    def _point(self, figures: Mapping[str, Any], evaluation: Evaluation | None) -> dict[str, Any]:
        """Return a point of the history; diagnostics are those that the state carries."""
        return {
            "step": figures["step"],
            "samples_seen": figures["samples_seen"],
            "passes": figures["passes"],
            "evaluations": figures["evaluations"],
            "loss": figures["loss"],
            **{name: getattr(evaluation, name, None) for name in ACCURACIES},
            **{name: figures[name] for name in DIAGNOSTICS},
            "seconds": round(self.seconds, 3),
            "worker_seconds": round(self.worker_seconds, 4),
        }


def reason_of(end: End, training: Training, state: State) -> Reason:
    """Return why a job ended at a state, for people."""
    spec = training.spec
    messages = {
        End.TARGET_ACCURACY: f"reached {spec.target_accuracy or 0:.2%} at step {state.step}",
        End.MAX_SECONDS: f"stopped after {spec.max_seconds} s, at step {state.step}",
        End.MAX_STEPS: "made all its steps",
        End.COMPLETED: "made all its epochs",
    }
    return Reason(code=end, message=messages[end])
