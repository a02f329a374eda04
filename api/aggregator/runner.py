"""One job from its lease to its end, or to the point where another aggregator goes on."""

import threading
import time
from dataclasses import dataclass, field
from typing import Any

import structlog
from redis.exceptions import OutOfMemoryError, RedisError

from api.aggregator.dispatch import Dispatcher
from api.aggregator.planner import Planner
from api.aggregator.problems import Interrupted, JobFailed
from api.aggregator.report import Report, document
from api.aggregator.round import Gatherer
from api.aggregator.saved import from_checkpoint, to_checkpoint
from core.data import load
from core.job import Job, Model, Plan, Reason, Status, now
from core.numerics import code_version, digest, fingerprint
from core.rounds import State
from core.settings import Settings
from core.spec import JobSpec
from core.store import ALWAYS, Checkpoints, Conflict, Documents, Exchange, Jobs, Lease, Stale, Told, UnknownJob
from core.training import Diverged, Evaluation, Training, train

CHECKPOINT_SECONDS = 3.0
"""The longest a job runs without a checkpoint: what a lost API costs at most."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Services:
    """What a runner works with."""

    settings: Settings
    jobs: Jobs
    checkpoints: Checkpoints
    documents: Documents
    exchange: Exchange
    dispatcher: Dispatcher


@dataclass
class Runner:
    """Runs the job of `lease`. `status` is set by the aggregator when it hears that the job's status changed."""

    services: Services
    lease: Lease
    stopping: threading.Event
    status: Status = Status.RUNNING
    reason: str | None = None
    retries: int = 0
    shun: bool = False
    saved_at: float = field(default_factory=time.monotonic)

    def run(self) -> None:
        """Run the job until it ends, is paused or cancelled, or is lost to another aggregator."""
        try:
            self._run()
        except (Stale, UnknownJob, Conflict, Interrupted) as end:
            log.info("job left", job=self.lease.job_id, why=str(end))
        except JobFailed as failure:
            self._fail(failure.reason)
        except OutOfMemoryError as error:
            self._pause(Reason(code="store_full", message=f"Redis is full ({error}); free memory there, then resume"))
        except RedisError as error:
            log.warning("store is away", job=self.lease.job_id, error=str(error))
        except Exception as error:
            log.exception("job failed", job=self.lease.job_id)
            self._fail(Reason(code="internal_error", message=f"{type(error).__name__}: {error}"))

    def _run(self) -> None:
        job = self.services.jobs.get(self.lease.job_id)
        if job.status is Status.QUEUED:
            self._begin(job)
        self.retries = job.retries
        training = self._prepare(job)
        plan = {"code": code_version(), "numerics": fingerprint(training.data.sha256)}
        state, report = self._restore(job, training, plan)
        gatherer = self._gatherer(training, job, plan)
        try:
            state = self._train(training, state, report, gatherer, plan)
        except Diverged as error:
            raise JobFailed("diverged", str(error)) from error
        self._end(training, state, report)

    def _begin(self, job: Job) -> None:
        started = {} if job.started_at else {"started_at": now()}
        self.services.jobs.move(job.id, Status.RUNNING, None, self.lease, **started)

    def _prepare(self, job: Job) -> Training:
        spec = JobSpec.model_validate(job.spec)
        self._because("preparing_data", f"Data set {spec.dataset.name} is read and resized; this is done once per host.")
        try:
            settings = self.services.settings
            data = load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, settings.hub_datasets)
        except (ValueError, LookupError, OSError) as error:
            raise JobFailed("data_unavailable", f"data set {spec.dataset.name}: {error}") from error
        self._because(None, "")
        return Training(spec, data)

    def _restore(self, job: Job, training: Training, plan: dict[str, str]) -> tuple[State, Report]:
        report = Report(training)
        checkpoint = self.services.checkpoints.last(job.id)
        if checkpoint is None:
            return training.initial(), report
        planned = checkpoint.metadata.get("plan")
        if planned is not None and planned != plan:
            self._leave_to_its_version(planned, plan)
        if planned is None:
            return training.initial(checkpoint.tensors["parameters"]), report
        state = from_checkpoint(checkpoint)
        report.elapsed_seconds = checkpoint.metadata["elapsed_seconds"]
        if checkpoint.metadata["evaluated_step"] == state.step:
            report.take(training.evaluate(state))
        report.best = checkpoint.metadata["best_test_accuracy"]
        return state, report

    def _leave_to_its_version(self, planned: dict[str, str], here: dict[str, str]) -> None:
        """Leave a job that other code or another processor began: going on here would end with other bits."""
        text = f"The job was begun with code {planned['code']}, numerics {planned['numerics']}; here run {here['code']}, {here['numerics']}."
        self._because("waiting_for_version", text)
        self.shun = True
        raise Interrupted(None)

    def _gatherer(self, training: Training, job: Job, plan: dict[str, str]) -> Gatherer:
        asked = training.spec.shards
        return Gatherer(
            self.lease,
            training,
            self.services.exchange,
            self.services.dispatcher,
            Planner(None if asked == "auto" else int(asked)),
            {"spec": job.spec, **plan},
            self._check,
            self._hear,
            workers=len(self.services.exchange.workers()),
        )

    def _train(self, training: Training, state: State, report: Report, gatherer: Gatherer, plan: dict[str, str]) -> State:
        try:
            for state, fresh in train(training, state, gatherer.measure):
                report.tick()
                if fresh:
                    report.take(fresh)
                if fresh or report.due():
                    self._tell(training, state, report, fresh, gatherer, plan)
                if fresh or time.monotonic() - self.saved_at > CHECKPOINT_SECONDS:
                    self._save(training, state, report, plan)
                if training.spec.max_seconds is not None and report.elapsed_seconds >= training.spec.max_seconds:
                    break
        except (Interrupted, JobFailed):
            self._save(training, state, report, plan)
            self._tell(training, state, report, None, gatherer, plan)
            raise
        if report.evaluation is None or report.evaluation.step != state.step:
            report.take(training.evaluate(state))
            self._tell(training, state, report, report.evaluation, gatherer, plan)
        self._save(training, state, report, plan)
        return state

    def _tell(
        self,
        training: Training,
        state: State,
        report: Report,
        fresh: Evaluation | None,
        gatherer: Gatherer,
        plan: dict[str, str],
    ) -> None:
        gatherer.workers = len(self.services.exchange.workers()) or gatherer.workers
        blocks, reasons = training.rounds.units(max(0, state.step - 1)), gatherer.planner.reasons
        written = Plan(blocks=blocks, shards=len(gatherer.lanes) or 1, reasons=reasons, **plan)
        documents = {"evaluation": document(fresh)} if fresh else {}
        self.status = self.services.jobs.commit(
            self.lease,
            report.told(state, fresh, gatherer.lanes),
            progress=report.progress(state).model_dump(mode="json"),
            metrics=report.metrics(state).model_dump(mode="json"),
            plan=written.model_dump(mode="json"),
            model=Model(parameters=training.network.size).model_dump(mode="json"),
            retries=self.retries,
            **documents,
        )
        self.services.documents.thin(self.lease.job_id)

    def _save(self, training: Training, state: State, report: Report, plan: dict[str, str]) -> None:
        metrics = report.metrics(state).model_dump() if report.evaluation and report.evaluation.step == state.step else {}
        checkpoint = to_checkpoint(state, report, plan)
        self.services.checkpoints.save(self.lease, checkpoint, {"loss": state.loss, **metrics}, training.spec.keep_checkpoints)
        self.saved_at = time.monotonic()

    def _end(self, training: Training, state: State, report: Report) -> None:
        model = Model(parameters=training.network.size, sha256=digest(state.parameters))
        self.services.jobs.move(
            self.lease.job_id, Status.SUCCEEDED, _why_ended(training, state, report), self.lease, model=model.model_dump(mode="json")
        )
        self.services.exchange.clear(self.lease.job_id, self.lease.token)

    def _fail(self, reason: Reason) -> None:
        try:
            self.services.jobs.move(self.lease.job_id, Status.FAILED, reason, self.lease)
        except (Stale, Conflict, UnknownJob, RedisError) as error:
            log.warning("could not write the end of a job", job=self.lease.job_id, error=str(error))

    def _pause(self, reason: Reason) -> None:
        try:
            self.services.jobs.move(self.lease.job_id, Status.PAUSED, reason, self.lease)
        except (Stale, Conflict, UnknownJob, RedisError) as error:
            log.warning("could not pause a job", job=self.lease.job_id, error=str(error))

    def _check(self) -> None:
        if self.stopping.is_set():
            raise Interrupted(None)
        if self.status is not Status.RUNNING:
            raise Interrupted(self.status)

    def _hear(self, what: str, data: dict[str, Any]) -> None:
        if what == "working":
            self._because(None, "")
        elif what == "waiting":
            self._because("waiting_for_workers", "No worker is running; the job goes on when one appears.")
        elif what == "refused":
            self._because("numerics_mismatch", data["text"])
        else:
            self.retries += 1
            self.services.jobs.commit(self.lease, [_retry(data)], retries=self.retries)

    def _because(self, code: str | None, message: str) -> None:
        """Write the reason of the status when it is another than before."""
        if code != self.reason:
            self.reason = code
            reason = Reason(code=code, message=message).model_dump() if code else None
            self.services.jobs.commit(self.lease, status_reason=reason)


def _retry(data: dict[str, Any]) -> Told:
    return Told("retry", ALWAYS, data)


def _why_ended(training: Training, state: State, report: Report) -> Reason:
    spec = training.spec
    if spec.target_accuracy is not None and report.evaluation and report.evaluation.score >= spec.target_accuracy:
        return Reason(code="target_accuracy", message=f"reached {spec.target_accuracy:.2%} at step {state.step}")
    if state.step < training.total_steps:
        return Reason(code="max_seconds", message=f"stopped after {spec.max_seconds} s, at step {state.step}")
    if spec.max_steps is not None and state.step >= spec.max_steps:
        return Reason(code="max_steps", message=f"made all {spec.max_steps} steps")
    return Reason(code="completed", message=f"made all {spec.epochs} epochs")
