"""Clears away jobs that ended longer ago than their spec keeps them."""

from contextlib import suppress

from dualtrain.core.job import ENDED
from dualtrain.core.runtime.times import now, seconds_between
from dualtrain.core.store import Conflict, Jobs, UnknownJob, Webhooks

CALLS_SECONDS = 86_400
"""A job whose webhook is still to be called is kept for so much longer: all attempts take less than six hours."""


def reap(jobs: Jobs, webhooks: Webhooks) -> None:
    """Delete what is over its `keep_seconds`."""
    pending, at = webhooks.pending(), now()
    ended = (job_id for status in sorted(ENDED) for job_id in jobs.ids(status))
    for job_id, (finished_at, spec) in jobs.fields(ended, "finished_at", "spec"):
        kept_seconds = float(spec["keep_seconds"]) + (CALLS_SECONDS if job_id in pending else 0)
        if finished_at and seconds_between(finished_at, at) > kept_seconds:
            with suppress(UnknownJob, Conflict):  # another aggregator was faster
                jobs.delete(job_id)
