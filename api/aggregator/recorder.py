"""Writes of the aggregator for a running job, all of them under the job's lease."""

import math
import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from dualtrain.api.aggregator.control import JobControl
from dualtrain.api.aggregator.progress import Report
from dualtrain.api.aggregator.stores import Stores
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.job import Job, JobPlan, ModelInfo, Reason, Transition
from dualtrain.core.loop import Moment
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import Origin
from dualtrain.core.runtime.times import now
from dualtrain.core.scheduling import Lane
from dualtrain.core.store import ALWAYS, JobEvent
from dualtrain.core.store.states import to_checkpoint

CHECKPOINT_SECONDS = 3.0
"""The longest a job runs without a checkpoint: what a lost API costs at most."""
SAVING_SHARE = 0.1
"""The part of its time that a job saves at most: where a checkpoint takes long, they come more seldom."""
RENEWED_SECONDS = 0.5
"""The shortest time after which the message of a reason is written again."""


class Notices:
    """Notices about a running job besides its figures: the reason why it waits, and the tasks that were sent again."""

    def __init__(self, stores: Stores, control: JobControl) -> None:
        self._stores = stores
        self._control = control
        self._reason: Reason | None = None
        self._explained_at = -math.inf
        self.retries = 0

    def take_up(self, job: Job) -> None:
        """Go on from what the job's last aggregator wrote."""
        self.retries = job.retries
        self._reason = job.status_reason

    def explain(self, code: str | None, message: str = "", *, renewed: bool = False) -> None:
        """Write the reason of the status when it is another one; now and then its message too, if `renewed`."""
        soon = time.monotonic() - self._explained_at < RENEWED_SECONDS
        if code == (self._reason and self._reason.code) and (soon or not renewed):
            return
        reason = Reason(code=code, message=message) if code else None
        data = Transition(status=self._control.status, at=now(), reason=reason).model_dump(mode="json")
        self._commit([JobEvent("status", ALWAYS, data)], reason)
        self._reason = reason
        self._explained_at = time.monotonic()

    def retry(self, step: int, shard: int, code: str, message: str) -> None:
        """Count that tasks of a round were sent again, `shard` the first of them, and why."""
        self.retries += 1
        self._stores.counters.add("dualtrain_retries_total", {"reason": code})
        data = {"step": step, "shard": shard, "code": code, "message": message}
        self.commit([JobEvent("retry", ALWAYS, data)])

    def commit(self, events: Sequence[JobEvent], **fields: Any) -> None:
        """Write events and fields of the job, and hear its status. A pause that ended unnoticed left another reason."""
        self._commit(events, self._reason, **fields)

    def _commit(self, events: Sequence[JobEvent], reason: Reason | None, **fields: Any) -> None:
        common = {"retries": self.retries, "status_reason": reason.model_dump(mode="json") if reason else None}
        self._control.status = self._stores.jobs.commit(self._control.lease, events, **common, **fields)


class Recorder:
    """Writes the figures and checkpoints of a running job."""

    def __init__(self, stores: Stores, control: JobControl, notices: Notices, report: Report, origin: Origin) -> None:
        self._stores = stores
        self._lease = control.lease
        self._notices = notices
        self._report = report
        self._origin = origin
        self._passes: int | None = None
        self._saved_step: int | None = None
        self._saved_at = time.monotonic()
        self._save_seconds = 0.0

    def record(self, moment: Moment, lanes: Sequence[Lane], reasons: Sequence[str]) -> bool:
        """Take a moment of the training and write it when that is due; return whether it was.

        The figures are written before the checkpoint: no checkpoint is ahead of the history.
        """
        is_first = self._passes is None
        self._report.take(moment, lanes)
        self._count(moment.state, lanes)
        is_due = moment.evaluation is not None or moment.end is not None
        written = is_due or (not is_first and self._report.due())
        if written:
            self.write(moment.state, moment.evaluation, lanes, reasons, last=moment.end is not None)
        if is_first or moment.evaluation is not None or self._save_due():
            self.save(moment.state)
        return written

    def _count(self, state: State, lanes: Sequence[Lane]) -> None:
        counters = self._stores.counters
        if self._passes is not None:
            counters.add("dualtrain_passes_total", value=state.passes - self._passes)
        for lane in lanes:
            counters.observe("dualtrain_shard_seconds", lane.seconds)
        self._passes = state.passes

    def write(
        self,
        state: State,
        evaluation: Evaluation | None,
        lanes: Sequence[Lane],
        reasons: Sequence[str],
        *,
        last: bool = False,
    ) -> None:
        """Write progress and metrics, with a `step` event and, when there is one, an `evaluation` event."""
        training = self._report.training
        plan = JobPlan(
            blocks=training.rounds.units(max(0, state.step - 1)),
            shards=max(1, len(lanes)),
            numerics=self._origin.numerics,
            code=self._origin.code,
            reasons=list(reasons),
        )
        documents = {
            "progress": self._report.progress(state),
            "metrics": self._report.metrics(state),
            "plan": plan,
            "model": ModelInfo(parameters=training.network.size),
        }
        fields: dict[str, Any] = {name: document.model_dump(mode="json") for name, document in documents.items()}
        if evaluation is not None and evaluation.confusion is not None:
            fields["evaluation"] = evaluation.document()
        self._notices.commit(self._report.events(state, evaluation, lanes, last=last), **fields)

    def _save_due(self) -> bool:
        """Return whether the last checkpoint is long enough ago."""
        return time.monotonic() - self._saved_at > max(CHECKPOINT_SECONDS, self._save_seconds / SAVING_SHARE)

    def save(self, state: State) -> None:
        """Write a checkpoint."""
        started = time.monotonic()
        report = self._report
        is_evaluated = report.evaluation is not None and report.evaluation.step == state.step
        metrics = report.metrics(state).model_dump() if is_evaluated else {"loss": state.loss}
        checkpoint = to_checkpoint(
            state,
            {
                "seconds": report.seconds,
                "worker_seconds": report.worker_seconds,
                "best_test_accuracy": report.best,
                "evaluation": report.evaluation.accuracies() if is_evaluated and report.evaluation else None,
                "origin": asdict(self._origin),
            },
        )
        self._stores.checkpoints.save(self._lease, checkpoint, metrics, report.training.spec.keep_checkpoints)
        if self._saved_step is not None and state.step > self._saved_step:
            self._stores.jobs.reset_attempts(self._lease)
        self._saved_step = state.step
        self._saved_at = time.monotonic()
        self._save_seconds = self._saved_at - started
