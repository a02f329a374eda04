"""One job from its lease to its end, or to the point where another aggregator goes on."""

import threading
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from numpy.typing import NDArray
from redis.exceptions import OutOfMemoryError, RedisError

from api.aggregator.planner import Planner
from api.aggregator.plans import Plans
from api.aggregator.problems import Interrupted, JobFailed
from api.aggregator.report import Report
from api.aggregator.round import Gatherer
from api.aggregator.saved import Origin, from_checkpoint
from api.aggregator.services import Services
from api.aggregator.writer import Writer
from core.data import load
from core.job import IMPORTING, Job, Model, Reason, Status, now
from core.numerics import digest
from core.rounds import State
from core.spec import JobSpec
from core.store import SECONDS, Conflict, Lease, Stale, UnknownJob
from core.training import Diverged, Evaluation, Training, train

log = structlog.get_logger()


@dataclass
class Runner:
    """Runs the job of `lease`. `shun`: it cannot be gone on with here; `lost`: another aggregator has it.

    `alone`: no other job runs or waits.
    """

    services: Services
    lease: Lease
    stopping: threading.Event
    writer: Writer
    shun: bool = False
    lost: bool = False
    alone: bool = False

    def run(self) -> None:
        """Run the job until it ends, is paused or cancelled, or is lost to another aggregator."""
        try:
            self._run()
        except (Stale, UnknownJob, Conflict, Interrupted) as end:
            log.info("job left", job=self.lease.job_id, why=str(end))
        except JobFailed as failure:
            self._end(Status.FAILED, failure.reason)
        except OutOfMemoryError as error:
            message = f"Redis is full ({error}); free memory there, then resume"
            self._end(Status.PAUSED, Reason(code="store_full", message=message))
        except RedisError as error:
            log.warning("store is away", job=self.lease.job_id, error=str(error))
        except Exception as error:
            log.exception("job failed", job=self.lease.job_id)
            self._end(Status.FAILED, Reason(code="internal_error", message=f"{type(error).__name__}: {error}"))
        finally:
            with suppress(RedisError):
                self.services.exchange.dismiss(self.lease.job_id, self.lease.token)

    def _run(self) -> None:
        job = self.services.jobs.get(self.lease.job_id)
        if job.status_reason == IMPORTING:
            raise JobFailed("import_broken_off", "the API that took its weights ended meanwhile; upload them again")
        if job.status is Status.QUEUED:
            self.services.jobs.move(job.id, Status.RUNNING, None, self.lease, started_at=job.started_at or now())
        elif job.status is not Status.RUNNING:  # paused or cancelled since it was listed
            raise Interrupted(job.status)
        self.writer.take_up(job)
        training = self._prepare(job)
        origin = Origin.here(training.data.sha256)
        state, report = self._restore(job, training, origin)
        self.writer.because(None)
        state = self._train(state, report, self._gatherer(job, training, origin))
        model = Model(parameters=training.network.size, sha256=digest(state.parameters))
        self._end(Status.SUCCEEDED, _why_ended(state, report), model=model.model_dump(mode="json"))

    def _prepare(self, job: Job) -> Training:
        spec, settings = JobSpec.model_validate(job.spec), self.services.settings

        def preparing(done: int, total: int) -> None:
            told = f"Data set {spec.dataset.name} is read and resized, once per host: {done:,} of {total:,} images."
            self.writer.because("preparing_data", told, renewed=True)

        try:
            data = load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, settings.hub_datasets, preparing)
        except (ValueError, LookupError, OSError) as error:
            raise JobFailed("data_unavailable", f"data set {spec.dataset.name}: {error}") from error
        return Training(spec, data)

    def _restore(self, job: Job, training: Training, origin: Origin) -> tuple[State, Report]:
        report, checkpoint = Report(training, earlier=job.metrics), self.services.checkpoints.last(job.id)
        if checkpoint is None:
            return training.initial(self._given(training)), report
        saved = checkpoint.metadata
        if Origin(**saved["origin"]) != origin:
            self._leave_to_its_origin(Origin(**saved["origin"]), origin)
        state = from_checkpoint(checkpoint)
        if saved["evaluated"]:
            report.take(training.evaluate(state))
        report.elapsed_seconds, report.best = saved["elapsed_seconds"], saved["best_test_accuracy"]
        return state, report

    def _given(self, training: Training) -> NDArray[Any] | None:
        """Return the parameters that the spec says to start from, None for those of the seed."""
        name = training.spec.initial_weights
        if name is None:
            return None
        source, step = self.services.documents.target(name)
        checkpoints = self.services.checkpoints
        checkpoint = checkpoints.last(source) if step is None else checkpoints.load(source, step)
        if checkpoint is None or checkpoint.tensors["parameters"].size != training.network.size:
            raise JobFailed("weights_unavailable", f"{name!r} has no checkpoint of {training.network.size} parameters")
        return checkpoint.tensors["parameters"]

    def _leave_to_its_origin(self, begun: Origin, here: Origin) -> None:
        """Leave a job that other code or another processor began: going on here would end with other bits."""
        self.writer.because("waiting_for_version", f"The job was begun by {begun}; here runs {here}.")
        self.shun = True
        raise Interrupted(None)

    def _gatherer(self, job: Job, training: Training, origin: Origin) -> Gatherer:
        asked, services = training.spec.shards, self.services
        planner = Planner(None if asked == "auto" else asked)
        gatherer = Gatherer(
            lease=self.lease,
            training=training,
            spec=job.spec,
            origin=origin,
            exchange=services.exchange,
            plans=Plans(self.lease, training, planner, services.dispatcher, alone=lambda: self.alone),
            check=self._check,
            tell=self._hear,
        )
        gatherer.look()
        return gatherer

    def _train(self, begun: State, report: Report, gatherer: Gatherer) -> State:
        training, writer, counters, state = report.training, self.writer, self.services.counters, begun
        try:
            writer.save(report, begun, gatherer.origin)
            # What reached its target already was only left before its end could be written.
            for after, fresh in () if _reached(report) else train(training, begun, gatherer.measure):
                counters.add("dualtrain_passes_total", value=after.passes - state.passes)
                state = after
                report.tick()
                if fresh:
                    report.take(fresh)
                gatherer.pending.append(partial(self._write, report, state, fresh, gatherer))
                if report.over():
                    break
            gatherer.settle()
        except (Interrupted, JobFailed):
            gatherer.settle()
            writer.save(report, state, gatherer.origin)
            writer.tell(report, state, None, gatherer)
            raise
        except Diverged as end:  # such parameters are worth no checkpoint
            gatherer.settle()
            writer.tell(report, end.state, None, gatherer)
            raise JobFailed("diverged", str(end)) from end
        if report.evaluation is None or report.evaluation.step != state.step:
            report.take(training.evaluate(state))
            writer.tell(report, state, report.evaluation, gatherer)
            writer.save(report, state, gatherer.origin)
        return state

    def _write(self, report: Report, state: State, fresh: Evaluation | None, gatherer: Gatherer) -> None:
        if fresh or report.due():
            self.writer.tell(report, state, fresh, gatherer)
        if fresh or self.writer.save_due():
            self.writer.save(report, state, gatherer.origin)

    def _end(self, to: Status, reason: Reason, **fields: Any) -> None:
        try:
            self.services.jobs.move(self.lease.job_id, to, reason, self.lease, **fields)
            self.services.exchange.clear(self.lease.job_id, self.lease.token)
        except (Stale, Conflict, UnknownJob, RedisError) as error:
            log.warning("could not write the end of a job", job=self.lease.job_id, to=to, error=str(error))

    def _check(self) -> None:
        if self.lost:
            raise Stale(f"another aggregator works on job {self.lease.job_id} now")
        if self.stopping.is_set():
            raise Interrupted(None)
        if self.writer.status is not Status.RUNNING:
            raise Interrupted(self.writer.status)

    def _hear(self, what: str, data: dict[str, Any]) -> None:
        if what == "round":
            self._count(**data)
        elif what == "working":
            self.writer.because(None)
        elif what == "waiting":
            self.writer.because("waiting_for_workers", "No worker is running; the job goes on when one appears.")
        elif what == "refused":
            self.writer.because(data["type"], data["text"])
        else:
            self.services.counters.add("dualtrain_retries_total", {"reason": data["code"]})
            self.writer.retry(data)

    def _count(self, seconds: float, shards: list[float]) -> None:
        counters = self.services.counters
        counters.add("dualtrain_rounds_total")
        counters.observe("dualtrain_round_seconds", SECONDS, seconds)
        for shard in shards:
            counters.observe("dualtrain_shard_seconds", SECONDS, shard)


def _reached(report: Report) -> bool:
    target, last = report.training.spec.target_accuracy, report.evaluation
    return target is not None and last is not None and last.score >= target


def _why_ended(state: State, report: Report) -> Reason:
    spec = report.training.spec
    if _reached(report):
        return Reason(code="target_accuracy", message=f"reached {spec.target_accuracy:.2%} at step {state.step}")
    if state.step < report.training.total_steps:
        return Reason(code="max_seconds", message=f"stopped after {spec.max_seconds} s, at step {state.step}")
    if spec.max_steps is not None and state.step >= spec.max_steps:
        return Reason(code="max_steps", message="made all its steps")
    return Reason(code="completed", message="made all its epochs")
