"""Stop requests to a running job: set by the aggregator's threads, checked by the job's own."""

import threading

from dualtrain.core.job import Reason, Status
from dualtrain.core.store import Lease, Stale


class Interrupted(Exception):
    """The job was paused or cancelled (`status`), or the aggregator stops (None)."""

    def __init__(self, status: Status | None) -> None:
        super().__init__(status.value if status else "the aggregator stops")
        self.status = status


class JobFailed(Exception):
    """The job cannot end as its spec says; `reason` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.reason = Reason(code=code, message=message)


class JobControl:
    """The one place that says whether the job of `lease` goes on. Safe to use from several threads."""

    def __init__(self, lease: Lease, stopping: threading.Event) -> None:
        self.lease = lease
        self._stopping = stopping
        self._lost = threading.Event()
        self._lock = threading.Lock()
        self._status = Status.RUNNING

    @property
    def status(self) -> Status:
        """The newest status that is known."""
        with self._lock:
            return self._status

    @status.setter
    def status(self, status: Status) -> None:
        with self._lock:
            self._status = status

    def lose(self) -> None:
        """Note that another aggregator has the job."""
        self._lost.set()

    def check(self) -> None:
        """Raise Stale or Interrupted when the job must not go on here."""
        if self._lost.is_set():
            raise Stale(f"another aggregator works on job {self.lease.job_id} now")
        if self._stopping.is_set():
            raise Interrupted(None)
        if (status := self.status) is not Status.RUNNING:
            raise Interrupted(status)
