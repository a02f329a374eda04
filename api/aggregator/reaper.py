"""Clears away jobs that ended longer ago than their spec keeps them."""

from datetime import UTC, datetime

from core.job import ENDED, Job
from core.store import Conflict, Jobs, UnknownJob


def reap(jobs: Jobs) -> int:
    """Delete what is over its `keep_seconds`; return how many jobs that were."""
    ended = [job for status in sorted(ENDED) for job in jobs.several(jobs.ids(status))]
    over = [job for job in ended if _over(job)]
    for job in over:
        try:
            jobs.delete(job.id)
        except (UnknownJob, Conflict):
            continue  # another aggregator was faster
    return len(over)


def _over(job: Job) -> bool:
    if job.finished_at is None:
        return False
    age = datetime.now(UTC) - datetime.fromisoformat(job.finished_at)
    return age.total_seconds() > float(job.spec["keep_seconds"])
