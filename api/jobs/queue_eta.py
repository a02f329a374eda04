"""When jobs start and end, as far as one can tell: the queue played through on the slots there are, once a second."""

import heapq
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import islice
from threading import Lock

from dualtrain.api.schemas import JobView
from dualtrain.api.security import Key
from dualtrain.core.job import Job, Reason, Status, running_seconds
from dualtrain.core.runtime.times import later, seconds_between
from dualtrain.core.store import Jobs

FRESH_SECONDS = 1.0
USUAL_SECONDS = 60.0
"""Taken for a job when no job of its kind has run yet."""
LONGEST_SECONDS = 3.15e8
"""Ten years: the estimate of a job that is hardly begun may lie beyond all dates."""
REMEMBERED = 50
"""Ended jobs whose running times are looked at."""


@dataclass
class Forecast:
    """Plays the queue of `jobs` through on `slots` slots. Safe to use from several threads."""

    jobs: Jobs
    slots: int
    _made: float = -FRESH_SECONDS
    _waits: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def view(self, job: Job, key: Key) -> JobView:
        """Return a job with its duration and the times at which it is likely to start and to end.

        Admins are shown its owner.
        """
        owner = job.owner if key.sees_owners else None
        duration_seconds = running_seconds(job.transitions)
        view = JobView.model_construct(**{**dict(job), "owner": owner, "duration_seconds": duration_seconds})
        if job.status is Status.RUNNING and job.progress.eta_seconds is not None:
            return view.model_copy(update={"estimated_finish_at": _at(job.progress.eta_seconds)})
        waits = self._of(job.id) if job.status is Status.QUEUED else None
        if waits is None:
            return view
        start, end = waits
        times = {"estimated_start_at": _at(start), "estimated_finish_at": _at(end)}
        reason = job.status_reason or (self._all_taken() if start > 0 else None)
        return view.model_copy(update={**times, "status_reason": reason})

    def _all_taken(self) -> Reason:
        """Return why a job waits while as many run as may."""
        message = (
            f"As many jobs run as may at a time: {self.slots} (DUALTRAIN_CONCURRENT_JOBS). "
            "The queue goes by priority, then by time."
        )
        return Reason(code="waiting_for_place", message=message)

    def _of(self, job_id: str) -> tuple[float, float] | None:
        """Return in how many seconds a queued job starts and ends, None when it is not in the queue."""
        with self._lock:
            if time.monotonic() - self._made > FRESH_SECONDS or job_id not in self._waits:
                self._waits, self._made = self._play(), time.monotonic()
            return self._waits.get(job_id)

    def _play(self) -> dict[str, tuple[float, float]]:
        usual = self._usual()
        running = [job.progress.eta_seconds or usual for job in self.jobs.several(self.jobs.ids(Status.RUNNING))]
        idle = [0.0] * max(0, self.slots - len(running))
        free = [*running, *idle]
        heapq.heapify(free)
        waits = {}
        for job_id in self.jobs.ids(Status.QUEUED):
            start = heapq.heappop(free)
            waits[job_id] = (start, start + usual)
            heapq.heappush(free, start + usual)
        return waits

    def _usual(self) -> float:
        """Return the mean running time of the last jobs that succeeded."""
        last = islice(self.jobs.newest(REMEMBERED, status=Status.SUCCEEDED), REMEMBERED)
        spans = ((job.started_at, job.finished_at) for _, job in last)
        times = [seconds_between(start, end) for start, end in spans if start and end]
        return sum(times) / len(times) if times else USUAL_SECONDS


def _at(seconds: float) -> str:
    return later(min(seconds, LONGEST_SECONDS))
