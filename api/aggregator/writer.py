"""What the aggregator writes of a running job, all of it under the job's lease."""

import math
import time
from dataclasses import dataclass, field
from typing import Any

from dualtrain.api.aggregator.gatherer import Gatherer
from dualtrain.api.aggregator.report import Report, document
from dualtrain.api.aggregator.saved import Origin, to_checkpoint
from dualtrain.api.aggregator.services import Services
from dualtrain.core.job import Job, Model, Plan, Reason, Status, Transition
from dualtrain.core.loop import Evaluation
from dualtrain.core.rounds import State
from dualtrain.core.runtime.times import now
from dualtrain.core.store import ALWAYS, Lease, Told

CHECKPOINT_SECONDS = 3.0
"""The longest a job runs without a checkpoint: what a lost API costs at most."""
SAVING_SHARE = 0.1
"""The part of its time that a job saves at most: where a checkpoint takes long, they come more seldom."""
RENEWED_SECONDS = 0.5
"""The shortest time after which the message of a reason is written anew."""


@dataclass
class Writer:
    """Writes of the job of `lease`. `status` is the newest that is known; the aggregator sets it too."""

    services: Services
    lease: Lease
    status: Status = Status.RUNNING
    reason: Reason | None = None
    retries: int = 0
    saved_step: int | None = None
    saved_at: float = field(default_factory=time.monotonic)
    save_seconds: float = 0.0
    reasoned_at: float = -math.inf

    def take_up(self, job: Job) -> None:
        """Go on from what the job's last aggregator wrote."""
        self.retries = job.retries
        self.reason = job.status_reason

    def because(self, code: str | None, message: str = "", renewed: bool = False) -> None:
        """Write and tell the reason of the status when it is another; now and then its message too, if `renewed`."""
        soon = time.monotonic() - self.reasoned_at < RENEWED_SECONDS
        if code == (self.reason and self.reason.code) and (soon or not renewed):
            return
        reason = Reason(code=code, message=message) if code else None
        data = Transition(status=self.status, at=now(), reason=reason).model_dump(mode="json")
        self.status = self.services.jobs.commit(self.lease, [Told("status", ALWAYS, data)], **_standing(reason))
        self.reason, self.reasoned_at = reason, time.monotonic()

    def retry(self, step: int, shard: int, code: str, message: str) -> None:
        """Tell that a shard was sent again."""
        self.retries += 1
        data = {"step": step, "shard": shard, "code": code, "message": message}
        self.status = self.services.jobs.commit(self.lease, [Told("retry", ALWAYS, data)], retries=self.retries)

    def tell(self, report: Report, state: State, fresh: Evaluation | None, gatherer: Gatherer) -> None:
        """Write progress and metrics, with a `step` event and, when `fresh`, an `evaluation` event."""
        training = report.training
        plan = Plan(
            blocks=training.rounds.units(max(0, state.step - 1)),
            shards=max(1, len(gatherer.lanes)),
            numerics=gatherer.origin.numerics,
            code=gatherer.origin.code,
            reasons=gatherer.plans.planner.reasons,
        )
        written = {
            "progress": report.progress(state),
            "metrics": report.metrics(state),
            "plan": plan,
            "model": Model(parameters=training.network.size),
        }
        evaluation = {"evaluation": document(fresh)} if fresh else {}
        self.status = self.services.jobs.commit(
            self.lease,
            report.told(state, fresh, gatherer.lanes),
            retries=self.retries,
            **{name: one.model_dump(mode="json") for name, one in written.items()},
            **evaluation,
            **_standing(self.reason),
        )
        gatherer.look()

    def save_due(self) -> bool:
        """Return whether the last checkpoint is long enough ago."""
        return time.monotonic() - self.saved_at > max(CHECKPOINT_SECONDS, self.save_seconds / SAVING_SHARE)

    def save(self, report: Report, state: State, origin: Origin) -> None:
        """Write a checkpoint."""
        started = time.monotonic()
        judged = report.evaluation is not None and report.evaluation.step == state.step
        metrics = report.metrics(state).model_dump() if judged else {"loss": state.loss}
        keep = report.training.spec.keep_checkpoints
        self.services.checkpoints.save(self.lease, to_checkpoint(state, report, origin), metrics, keep)
        if self.saved_step is not None and state.step > self.saved_step:
            self.services.jobs.reset_attempts(self.lease)
        self.saved_step = state.step
        self.saved_at = time.monotonic()
        self.save_seconds = self.saved_at - started


def _standing(reason: Reason | None) -> dict[str, Any]:
    """Return the reason of the status, to be written: a pause that ended before it was noticed left another."""
    return {"status_reason": reason.model_dump(mode="json") if reason else None}
