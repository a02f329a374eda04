"""Outcomes of a sweep's jobs, from their records and histories."""

from collections.abc import Iterable, Mapping
from typing import Any

from dualtrain.core.job import Job
from dualtrain.core.runtime.times import seconds_between
from dualtrain.core.sweep import Outcome, SweepJob


def outcome_of(job: Job, place: SweepJob, history: Iterable[Mapping[str, Any]]) -> Outcome:
    """Return the figures of a job as they are now; `place` is its cell and seed."""
    return Outcome(
        job_id=job.id,
        cell=place.cell.index,
        seed=place.seed,
        status=job.status,
        test_accuracy=job.metrics.test_accuracy,
        best_test_accuracy=job.metrics.best_test_accuracy,
        validation_accuracy=job.metrics.validation_accuracy,
        loss=job.metrics.loss,
        seconds=_seconds(job, history),
        passes=job.progress.passes,
    )


def _seconds(job: Job, history: Iterable[Mapping[str, Any]]) -> float | None:
    """Return the running time: that of the newest point of the history, else the time between start and end."""
    known = [point["seconds"] for point in history if point.get("seconds") is not None]
    if known:
        return float(known[-1])
    if job.started_at and job.finished_at:
        return seconds_between(job.started_at, job.finished_at)
    return None
