"""One job from its lease to its end, or to the point where another aggregator goes on."""

import threading
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any

import structlog
from numpy.typing import NDArray

from dualtrain.api.aggregator.briefing import Briefing
from dualtrain.api.aggregator.ends import Interrupted, JobFailed
from dualtrain.api.aggregator.gatherer import Gatherer
from dualtrain.api.aggregator.plans import Plans
from dualtrain.api.aggregator.report import Report
from dualtrain.api.aggregator.saved import Origin, from_checkpoint
from dualtrain.api.aggregator.services import Services
from dualtrain.api.aggregator.writer import Writer
from dualtrain.core.data import load
from dualtrain.core.job import IMPORTING, Job, Model, Reason, Status
from dualtrain.core.loop import Diverged, Evaluation, Training, train
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.runtime.times import now
from dualtrain.core.scheduling import Lane, Planner
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Brief, Conflict, Failure, Lease, ServerError, ServerFull, Stale, UnknownJob

log = structlog.get_logger()

MAX_ATTEMPTS = 5
"""Aggregators that may end one after the other while they work on a job, without progress in between."""
PASSING = (OSError, MemoryError)
"""Errors that may pass: files or memory were short for a moment. The job is tried again, as workers do."""


@dataclass
class Runner:
    """Runs the job of `lease`, and is the `Watcher` of its rounds.

    `shun`: this process cannot resume it; `disturbed`: it was left because of an error that may pass; `full`: the store
    refused a write; `lost`: another aggregator has the job; `alone`: no other job runs or waits.
    """

    services: Services
    lease: Lease
    stopping: threading.Event
    writer: Writer
    shun: bool = False
    disturbed: bool = False
    full: bool = False
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
        except ServerFull as error:
            self.full = True
            message = f"Redis is full ({error}); free memory there, then resume"
            self._end(Status.PAUSED, Reason(code="store_full", message=message))
        except ServerError as error:
            log.warning("store is away", job=self.lease.job_id, error=str(error))
        except PASSING as error:
            log.warning("job will be tried again", job=self.lease.job_id, error=f"{type(error).__name__}: {error}")
            self.disturbed = True
        except BaseException as error:  # also SystemExit, which a custom layer may raise: only this job ends by it
            log.exception("job failed", job=self.lease.job_id)
            self._end(Status.FAILED, Reason(code="internal_error", message=f"{type(error).__name__}: {error}"))
        finally:
            if not self.disturbed:
                with suppress(ServerError):
                    self.services.jobs.reset_attempts(self.lease)
            with suppress(ServerError):
                self.services.exchange.dismiss(self.lease.job_id, self.lease.token)

    def _run(self) -> None:
        job = self.services.jobs.get(self.lease.job_id)
        if job.status_reason == IMPORTING:
            raise JobFailed("import_broken_off", "the API that took its weights ended meanwhile; upload them again")
        if job.status is Status.QUEUED:
            self.services.jobs.move(job.id, Status.RUNNING, None, self.lease, started_at=job.started_at or now())
        elif job.status is not Status.RUNNING:  # paused or cancelled since it was listed
            raise Interrupted(job.status)
        if self.services.jobs.count_attempt(self.lease) > MAX_ATTEMPTS:
            raise JobFailed(
                "aggregator_killed",
                f"{MAX_ATTEMPTS} aggregators ended one after the other while they worked on this job, the last time "
                f"after step {job.progress.step}: a custom layer may crash, or memory may be too small",
            )
        self.writer.take_up(job)
        training = self._prepare(job)
        origin = Origin.here(training.data.sha256)
        state, report = self._restore(job, training, origin)
        self.writer.because(None)
        state = self._train(state, report, self._gatherer(job, training, origin))
        model = Model(parameters=training.network.size, sha256=digest(state.parameters))
        self._end(Status.SUCCEEDED, report.why_ended(state), model=model.model_dump(mode="json"))

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
            return training.initial(self._given(job, training)), report
        saved = checkpoint.metadata
        if Origin(**saved["origin"]) != origin:
            self._leave_to_its_origin(Origin(**saved["origin"]), origin)
        state = from_checkpoint(checkpoint)
        if saved["evaluated"]:
            report.take(training.evaluate(state))
        report.elapsed_seconds, report.best = saved["elapsed_seconds"], saved["best_test_accuracy"]
        report.worker_seconds = saved.get("worker_seconds", 0.0)
        return state, report

    def _given(self, job: Job, training: Training) -> NDArray[Any] | None:
        """Return the parameters that the spec says to start from, None for those of the seed.

        The checkpoint was named when the job was posted: an alias may mean another key's model by now. If the step is
        not kept any more, the newest one of the same job stands in.
        """
        name = training.spec.initial_weights
        if name is None:
            return None
        source, step = self._source(job, name)
        checkpoints = self.services.checkpoints
        checkpoint = (checkpoints.load(source, step) if step is not None else None) or checkpoints.last(source)
        if checkpoint is None or checkpoint.tensors["parameters"].size != training.network.size:
            raise JobFailed("weights_unavailable", f"{name!r} has no checkpoint of {training.network.size} parameters")
        return checkpoint.tensors["parameters"]

    def _source(self, job: Job, name: str) -> tuple[str, int | None]:
        """Return the job and step that a job starts from. Raises JobFailed for another owner's job."""
        if job.initial_checkpoint is not None:
            return job.initial_checkpoint.job_id, job.initial_checkpoint.step
        source, step = self.services.documents.target(name)
        jobs = self.services.jobs.several([source])
        if not jobs or jobs[0].owner != job.owner:
            raise JobFailed("weights_unavailable", f"{name!r} is neither a job of the same owner nor an alias of one")
        return source, step

    def _leave_to_its_origin(self, begun: Origin, here: Origin) -> None:
        """Leave a job that other code or another processor began: going on here would end with other bits."""
        self.writer.because("waiting_for_version", f"The job was begun by {begun}; here runs {here}.")
        self.shun = True
        raise Interrupted(None)

    def _gatherer(self, job: Job, training: Training, origin: Origin) -> Gatherer:
        asked, services = training.spec.shards, self.services
        planner = Planner(None if asked == "auto" else asked)
        gatherer = Gatherer(
            origin=origin,
            plans=Plans(self.lease, training, planner, services.dispatcher, alone=lambda: self.alone),
            briefing=Briefing(services.exchange, job.id, Brief(job.spec, origin.code, origin.numerics)),
            exchange=services.exchange,
            watcher=self,
        )
        gatherer.look()
        return gatherer

    def _train(self, begun: State, report: Report, gatherer: Gatherer) -> State:
        training, writer, counters, state = report.training, self.writer, self.services.counters, begun
        try:
            writer.save(report, begun, gatherer.origin)
            # What reached its target already was only left before its end could be written.
            steps = () if report.reached() else train(training, begun, gatherer.measure)
            for after, fresh in steps:
                counters.add("dualtrain_passes_total", value=after.passes - state.passes)
                before, state = state.step, after
                report.tick(gatherer.lanes)
                if fresh:
                    report.take(fresh)
                report.record(before, state, fresh)
                gatherer.pending.append(partial(self._write, report, state, fresh, gatherer))
                if report.over():
                    break
            gatherer.settle()
        except (Interrupted, JobFailed):
            gatherer.settle()
            writer.tell(report, state, None, gatherer)
            writer.save(report, state, gatherer.origin)
            raise
        except Diverged as end:  # such parameters are worth no checkpoint
            gatherer.settle()
            report.record_end(end.state, None)
            writer.tell(report, end.state, None, gatherer)
            raise JobFailed("diverged", str(end)) from end
        if report.evaluation is None or report.evaluation.step != state.step:
            report.take(training.evaluate(state))
            report.record_end(state, report.evaluation)
            writer.tell(report, state, report.evaluation, gatherer)
            writer.save(report, state, gatherer.origin)
        return state

    def _write(self, report: Report, state: State, fresh: Evaluation | None, gatherer: Gatherer) -> None:
        """Report the state when that is due, then save it: no checkpoint is ahead of the history."""
        if not fresh and not report.due():
            return
        self.writer.tell(report, state, fresh, gatherer)
        if fresh or self.writer.save_due():
            self.writer.save(report, state, gatherer.origin)

    def _end(self, to: Status, reason: Reason, **fields: Any) -> None:
        try:
            self.services.jobs.move(self.lease.job_id, to, reason, self.lease, **fields)
            self.services.exchange.clear(self.lease.job_id, self.lease.token)
        except (Stale, Conflict, UnknownJob, ServerError) as error:
            log.warning("could not write the end of a job", job=self.lease.job_id, to=to, error=str(error))

    def check(self) -> None:
        """Raise Stale or Interrupted when the job must not go on here."""
        if self.lost:
            raise Stale(f"another aggregator works on job {self.lease.job_id} now")
        if self.stopping.is_set():
            raise Interrupted(None)
        if self.writer.status is not Status.RUNNING:
            raise Interrupted(self.writer.status)

    def working(self) -> None:
        """Tell that nothing holds the job up, if something did."""
        self.writer.because(None)

    def waiting(self) -> None:
        """Tell that the job waits for workers."""
        self.writer.because("waiting_for_workers", "No worker is running; the job goes on when one appears.")

    def refused(self, failure: Failure) -> None:
        """Tell why no worker can compute the job."""
        self.writer.because(failure.type, failure.text)

    def sent_again(self, step: int, shard: int, code: str, message: str) -> None:
        """Count and tell a retry."""
        self.services.counters.add("dualtrain_retries_total", {"reason": code})
        self.writer.retry(step, shard, code, message)

    def measured(self, seconds: float, lanes: Sequence[Lane]) -> None:
        """Count a round, and its time and those of its shards."""
        counters = self.services.counters
        counters.add("dualtrain_rounds_total")
        counters.observe("dualtrain_round_seconds", seconds)
        for lane in lanes:
            counters.observe("dualtrain_shard_seconds", lane.seconds)
