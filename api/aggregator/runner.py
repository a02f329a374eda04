"""One job from its lease to its end, or to the point where another aggregator goes on."""

import errno
from contextlib import suppress
from enum import Enum
from typing import Any

import structlog
from numpy.typing import NDArray

from dualtrain.api.aggregator.control import Interrupted, JobControl, JobFailed
from dualtrain.api.aggregator.dispatch import Link
from dualtrain.api.aggregator.progress import Report, reason_of
from dualtrain.api.aggregator.recorder import Notices, Recorder
from dualtrain.api.aggregator.remote import RemoteRounds
from dualtrain.api.aggregator.stores import Stores
from dualtrain.core.data import load
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.job import IMPORTING, Job, ModelInfo, Reason, Status
from dualtrain.core.loop import Diverged, Moment, Training, train
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import Origin, digest
from dualtrain.core.runtime.times import now
from dualtrain.core.scheduling import Planner
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Brief, Conflict, ServerError, ServerFull, Stale, UnknownJob
from dualtrain.core.store.states import from_checkpoint

log = structlog.get_logger()

MAX_ATTEMPTS = 5
"""Aggregators that may end one after the other while they work on a job, without progress in between."""
PASSING = (OSError, MemoryError)
"""Errors that may pass: files or memory were short for a moment. The job is tried again, as workers do."""

FULL = (errno.ENOSPC, errno.EDQUOT)
"""A disk without space: the job waits for it, however long that takes."""


class Outcome(Enum):
    """Outcome of a run of a job; the value is the seconds for which this aggregator leaves the job to others."""

    LEFT = 0.0
    """It ended, or goes on here or elsewhere at any time."""
    DISTURBED = 1.0
    """An error that may pass."""
    FOREIGN = 5.0
    """Other code or another processor began it."""
    DISK_FULL = 10.0
    """The disk of prepared data sets has no space."""
    STORE_FULL = 30.0
    """The store refused a write: no queued job would fare better."""


class Runner:
    """Runs the job of a lease. `outcome` says how it was left."""

    def __init__(self, stores: Stores, control: JobControl) -> None:
        self._stores = stores
        self.control = control
        self._lease = control.lease
        self._notices = Notices(stores, control)
        self.outcome = Outcome.LEFT

    def run(self) -> None:
        """Run the job until it ends, is paused or cancelled, or is lost to another aggregator."""
        try:
            self._run()
        except (Stale, UnknownJob, Conflict, Interrupted) as end:
            log.info("job left", job=self._lease.job_id, why=str(end))
        except JobFailed as failure:
            self._end(Status.FAILED, failure.reason)
        except ServerFull as error:
            self.outcome = Outcome.STORE_FULL
            message = f"Redis is full ({error}); free memory there, then resume"
            self._end(Status.PAUSED, Reason(code="store_full", message=message))
        except ServerError as error:
            log.warning("store is away", job=self._lease.job_id, error=str(error))
        except PASSING as error:
            full = isinstance(error, OSError) and error.errno in FULL
            self.outcome = Outcome.DISK_FULL if full else Outcome.DISTURBED
            log.warning("job will be tried again", job=self._lease.job_id, error=f"{type(error).__name__}: {error}")
        except BaseException as error:  # also SystemExit, which a custom layer may raise: only this job ends by it
            log.exception("job failed", job=self._lease.job_id)
            self._end(Status.FAILED, Reason(code="internal_error", message=f"{type(error).__name__}: {error}"))
        finally:
            if self.outcome is not Outcome.DISTURBED:
                with suppress(ServerError):
                    self._stores.jobs.reset_attempts(self._lease)
            with suppress(ServerError):
                self._stores.exchange.dismiss(self._lease.job_id, self._lease.token)

    def _run(self) -> None:
        job = self._take_up()
        training = self._prepare(job)
        origin = Origin.here(training.data.sha256)
        state, report = self._restore(job, training, origin)
        self._notices.explain(None)
        last = self._train(job, state, report, origin)
        model = ModelInfo(parameters=training.network.size, sha256=digest(last.state.parameters))
        assert last.end is not None
        reason = reason_of(last.end, training, last.state)
        self._end(Status.SUCCEEDED, reason, model=model.model_dump(mode="json"))

    def _take_up(self) -> Job:
        """Return the job, running. Raises JobFailed when it may not begin, Interrupted when it was stopped."""
        jobs = self._stores.jobs
        job = jobs.get(self._lease.job_id)
        if job.status_reason == IMPORTING:
            raise JobFailed("import_broken_off", "the API that took its weights ended meanwhile; upload them again")
        if job.status is Status.QUEUED:
            jobs.move(job.id, Status.RUNNING, None, self._lease, started_at=job.started_at or now())
        elif job.status is not Status.RUNNING:  # paused or cancelled since it was listed
            raise Interrupted(job.status)
        if jobs.count_attempt(self._lease) > MAX_ATTEMPTS:
            raise JobFailed(
                "aggregator_killed",
                f"{MAX_ATTEMPTS} aggregators ended one after the other while they worked on this job, the last time "
                f"after step {job.progress.step}: a custom layer may crash, or memory may be too small",
            )
        self._notices.take_up(job)
        return job

    def _prepare(self, job: Job) -> Training:
        spec, settings = JobSpec.model_validate(job.spec), self._stores.settings

        def preparing(done: int, total: int) -> None:
            message = f"Data set {spec.dataset.name} is read and resized, once per host: {done:,} of {total:,} images."
            self._notices.explain("preparing_data", message, renewed=True)

        try:
            data = load(spec.dataset.name, spec.dataset.image_size, settings.data_dir, settings.hub_datasets, preparing)
        except (ValueError, LookupError, OSError) as error:
            if isinstance(error, OSError) and error.errno in FULL:
                self._notices.explain("disk_full", f"The disk of {settings.data_dir} is full; free some space there.")
                raise
            raise JobFailed("data_unavailable", f"data set {spec.dataset.name}: {error}") from error
        return Training(spec, data)

    def _restore(self, job: Job, training: Training, origin: Origin) -> tuple[State, Report]:
        report, checkpoint = Report(training, earlier=job.metrics), self._stores.checkpoints.last(job.id)
        if checkpoint is None:
            return training.initial(self._given(job, training)), report
        saved = checkpoint.metadata
        if (begun := Origin(**saved["origin"])) != origin:
            self._notices.explain("waiting_for_version", f"The job was begun by {begun}; here runs {origin}.")
            self.outcome = Outcome.FOREIGN  # going on here would end with other bits
            raise Interrupted(None)
        if saved["evaluation"] is not None:
            report.evaluation = Evaluation(**saved["evaluation"])
        report.seconds = saved["seconds"]
        report.worker_seconds = saved["worker_seconds"]
        report.best = saved["best_test_accuracy"]
        return from_checkpoint(checkpoint), report

    def _given(self, job: Job, training: Training) -> NDArray[Any] | None:
        """Return the parameters that the spec says to start from, None for those of the seed.

        The checkpoint was named when the job was posted: an alias may mean another key's model by now. If the step is
        not kept any more, the newest one of the same job stands in.
        """
        name = training.spec.initial_weights
        if name is None:
            return None
        source, step = self._source(job, name)
        checkpoints = self._stores.checkpoints
        checkpoint = (checkpoints.load(source, step) if step is not None else None) or checkpoints.last(source)
        if checkpoint is None or checkpoint.tensors["parameters"].size != training.network.size:
            raise JobFailed("weights_unavailable", f"{name!r} has no checkpoint of {training.network.size} parameters")
        return checkpoint.tensors["parameters"]

    def _source(self, job: Job, name: str) -> tuple[str, int | None]:
        """Return the job and step that a job starts from. Raises JobFailed for another owner's job."""
        if job.initial_checkpoint is not None:
            return job.initial_checkpoint.job_id, job.initial_checkpoint.step
        source, step = self._stores.documents.target(name)
        jobs = self._stores.jobs.several([source])
        if not jobs or jobs[0].owner != job.owner:
            raise JobFailed("weights_unavailable", f"{name!r} is neither a job of the same owner nor an alias of one")
        return source, step

    def _train(self, job: Job, state: State, report: Report, origin: Origin) -> Moment:
        """Return the last moment of the training."""
        remote = self._remote(job, report.training, origin)
        recorder = Recorder(self._stores, self.control, self._notices, report, origin)
        try:
            for moment in train(report.training, state, remote.begin, report.elapsed, report.evaluation):
                state = moment.state
                if recorder.record(moment, remote.lanes, remote.planner.reasons):
                    remote.count_workers()
        except (Interrupted, JobFailed):
            recorder.write(state, None, remote.lanes, remote.planner.reasons)
            recorder.save(state)
            raise
        except Diverged as end:  # such parameters are worth no checkpoint
            report.record_end(end.state)
            recorder.write(end.state, None, remote.lanes, remote.planner.reasons)
            raise JobFailed("diverged", str(end)) from end
        return moment

    def _remote(self, job: Job, training: Training, origin: Origin) -> RemoteRounds:
        stores, shards = self._stores, training.spec.shards
        remote = RemoteRounds(
            training=training,
            link=Link(stores.exchange, stores.dispatcher, Brief(job.spec, origin.code, origin.numerics)),
            control=self.control,
            notices=self._notices,
            planner=Planner(None if shards == "auto" else shards),
            counters=stores.counters,
        )
        remote.count_workers()
        return remote

    def _end(self, to: Status, reason: Reason, **fields: Any) -> None:
        try:
            self._stores.jobs.move(self._lease.job_id, to, reason, self._lease, **fields)
            self._stores.exchange.clear(self._lease.job_id, self._lease.token)
        except (Stale, Conflict, UnknownJob, ServerError) as error:
            log.warning("could not write the end of a job", job=self._lease.job_id, to=to, error=str(error))
