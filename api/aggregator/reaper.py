"""Clears away jobs that ended longer ago than their spec keeps them."""

from datetime import UTC, datetime

from core.job import ENDED, Job
from core.store import Conflict, Jobs, UnknownJob, Webhooks

CALLS_SECONDS = 86_400
"""A job whose webhook is still to be called is kept for so much longer: all attempts take less than six hours."""


def reap(jobs: Jobs, webhooks: Webhooks) -> int:
    """Delete what is over its `keep_seconds`; return how many jobs that were."""
    pending = webhooks.pending()
    ended = [job for status in sorted(ENDED) for job in jobs.several(jobs.ids(status))]
    over = [job for job in ended if _over(job, CALLS_SECONDS if job.id in pending else 0)]
    for job in over:
        try:
            jobs.delete(job.id)
        except (UnknownJob, Conflict):
            continue  # another aggregator was faster
    return len(over)


def _over(job: Job, longer_seconds: float) -> bool:
    if job.finished_at is None:
        return False
    age = datetime.now(UTC) - datetime.fromisoformat(job.finished_at)
    return age.total_seconds() > float(job.spec["keep_seconds"]) + longer_seconds
