"""The jobs of an aggregator process: leases, a thread for each job, pauses and cancellations, deletion of old jobs."""

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import structlog

from dualtrain.api.aggregator.control import JobControl
from dualtrain.api.aggregator.runner import Outcome, Runner
from dualtrain.api.aggregator.stores import Stores
from dualtrain.api.jobs.reaper import reap
from dualtrain.core.job import Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import RedisClient, ServerError, Webhooks, keys
from dualtrain.core.store.job_logs import JobLogs

LISTEN_SECONDS = 0.3
"""How long a read of the control channel blocks: also the longest until a new or orphaned job is taken."""
RENEW_SECONDS = 1.0
REAP_SECONDS = 60.0
FLUSH_SECONDS = 2.0
END_SECONDS = 5.0
"""Time that jobs have for their round and checkpoint when the process receives a stop signal."""
STOP_SECONDS = 10.0
"""How long a job's thread may take to stop, with an update in progress, before its place is given to others."""
MAX_ABANDONED = 4
"""Threads that do not stop before the process ends, to be started again without them."""

log = structlog.get_logger()


@dataclass
class Running:
    """A job that this process works on. `stopping_since` is when a stop was first noticed."""

    control: JobControl
    runner: Runner
    thread: threading.Thread
    stopping_since: float | None = None

    def overdue(self) -> bool:
        """Return whether the job was asked to stop and did not for `STOP_SECONDS`."""
        if self.control.status is Status.RUNNING:
            self.stopping_since = None
            return False
        self.stopping_since = self.stopping_since or time.monotonic()
        return time.monotonic() - self.stopping_since > STOP_SECONDS


class Aggregator:
    """The jobs of this process, at most `settings.concurrent_jobs` at once."""

    def __init__(self, settings: Settings) -> None:
        self._stores = Stores.open(settings)
        self.logs = JobLogs(self._stores.store)
        self._running: dict[str, Running] = {}
        self._postponed: dict[str, float] = {}
        self._abandoned = 0
        self.stopping = threading.Event()
        self._ended = threading.Event()
        self._leasing = threading.Lock()

    def run(self) -> None:
        """Work until `stopping` is set; then every job is left with a checkpoint, for the next aggregator."""
        for work, seconds, end in (
            (self._renew, RENEW_SECONDS, self._ended),
            (self._flush, FLUSH_SECONDS, self.stopping),
            (self._reap, REAP_SECONDS, self.stopping),
        ):
            threading.Thread(target=_repeat, args=(work, seconds, end), daemon=True).start()
        while not self.stopping.is_set():
            try:
                self._listen()
            except ServerError as error:
                log.warning("store is away", error=str(error))
                self.stopping.wait(LISTEN_SECONDS)
        self._end()

    def _end(self) -> None:
        """Wait until all jobs are left, and give their leases back. Meanwhile they are renewed."""
        end = time.monotonic() + END_SECONDS
        for running in self._running.values():
            running.thread.join(max(0.0, end - time.monotonic()))
        self._ended.set()
        with suppress(ServerError):
            for job_id, running in list(self._running.items()):
                if not running.thread.is_alive():
                    self._leave(job_id, running)
            self._stores.counters.flush()
            self.logs.flush()

    def _listen(self) -> None:
        with self._stores.store.pubsub(ignore_subscribe_messages=True) as channel:
            channel.subscribe(keys.CONTROL)
            while not self.stopping.is_set():
                self._take_jobs()
                self._hear(channel)

    def _hear(self, channel: RedisClient) -> None:
        message = channel.get_message(timeout=LISTEN_SECONDS)
        while message is not None:
            job_id, status = message["data"].decode().split()
            if job_id in self._running and status != Status.QUEUED:  # taken before that was heard
                self._running[job_id].control.status = Status(status)
            message = channel.get_message(timeout=0)

    def _take_jobs(self) -> None:
        self._leave_ended_jobs()
        job_ids = [*self._stores.jobs.ids(Status.RUNNING), *self._stores.jobs.ids(Status.QUEUED)]
        at = time.monotonic()
        for job_id in job_ids:
            if len(self._running) >= self._stores.settings.concurrent_jobs:
                break
            if job_id not in self._running and at >= self._postponed.get(job_id, at):
                self._take(job_id)
        for running in self._running.values():
            if running.control.lease.job_id not in job_ids:  # whatever of this was not heard on the channel
                status = self._stores.jobs.status(running.control.lease.job_id)
                running.control.status = status or Status.CANCELLED

    def _leave_ended_jobs(self) -> None:
        for job_id, running in list(self._running.items()):
            if not running.thread.is_alive():
                self._leave(job_id, running)
            elif running.overdue():
                self._abandon(job_id, running)

    def _take(self, job_id: str) -> None:
        lease = self._stores.leases.acquire(job_id)
        if lease is None:
            return
        log.info("job taken", job=job_id, token=lease.token)
        control = JobControl(lease, self.stopping)
        runner = Runner(self._stores, control)
        thread = threading.Thread(target=runner.run, name=job_id, daemon=True)
        self._running[job_id] = Running(control, runner, thread)
        thread.start()

    def _abandon(self, job_id: str, running: Running) -> None:
        """Free the place of a job that was to stop and whose thread does not come back, as from an endless loop."""
        log.error("a job does not stop; its place is given to others", job=job_id)
        self._leave(job_id, running)
        self._abandoned += 1
        if self._abandoned >= MAX_ABANDONED:
            log.error("too many jobs do not stop; this process ends and is started again")
            self.stopping.set()

    def _leave(self, job_id: str, running: Running) -> None:
        with self._leasing:  # or a renewal that is on its way would bring the lease back
            del self._running[job_id]
            self._stores.leases.release(running.control.lease)
        outcome = running.runner.outcome
        job_ids = self._stores.jobs.ids(Status.QUEUED) if outcome is Outcome.STORE_FULL else [job_id]
        self._postpone(job_ids, outcome.value)

    def _postpone(self, job_ids: Iterable[str], seconds: float) -> None:
        """Leave jobs to other aggregators for a while."""
        at = time.monotonic()
        waiting = {job_id: until for job_id, until in self._postponed.items() if until > at}
        self._postponed = waiting | dict.fromkeys(job_ids, at + seconds)

    def _renew(self) -> None:
        for job_id, running in list(self._running.items()):
            with self._leasing, _warned("lease not renewed", job=job_id):
                if job_id in self._running:
                    self._renew_lease(running.control)

    def _renew_lease(self, control: JobControl) -> None:
        if not self._stores.leases.renew(control.lease):
            control.lose()

    def _flush(self) -> None:
        with _warned("counters wait for the store"):
            self._stores.counters.flush()
            self.logs.flush()

    def _reap(self) -> None:
        with _warned("old jobs not cleared away"):
            reap(self._stores.jobs, Webhooks(self._stores.store))


def _repeat(work: Callable[[], None], seconds: float, end: threading.Event) -> None:
    work()
    while not end.wait(seconds):
        work()


@contextmanager
def _warned(warning: str, **about: str) -> Iterator[None]:
    """Log `warning` when something goes wrong, as when the store is away; the work is done another time."""
    try:
        yield
    except Exception as error:
        log.warning(warning, error=f"{type(error).__name__}: {error}", **about)
