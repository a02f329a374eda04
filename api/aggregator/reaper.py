"""Clears away jobs that ended longer ago than their spec keeps them."""

from contextlib import suppress

from core.job import ENDED, Job
from core.store import Conflict, Jobs, UnknownJob, Webhooks
from core.times import now, seconds_between

CALLS_SECONDS = 86_400
"""A job whose webhook is still to be called is kept for so much longer: all attempts take less than six hours."""


def reap(jobs: Jobs, webhooks: Webhooks) -> None:
    """Delete what is over its `keep_seconds`."""
    pending = webhooks.pending()
    ended = [job for status in sorted(ENDED) for job in jobs.several(jobs.ids(status))]
    over = [job for job in ended if _over(job, CALLS_SECONDS if job.id in pending else 0)]
    for job in over:
        with suppress(UnknownJob, Conflict):  # another aggregator was faster
            jobs.delete(job.id)


def _over(job: Job, longer_seconds: float) -> bool:
    if job.finished_at is None:
        return False
    return seconds_between(job.finished_at, now()) > float(job.spec["keep_seconds"]) + longer_seconds
