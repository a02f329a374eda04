"""Dry runs: counts from the spec, times measured once for each kind of round, and the planner's shards."""

from dualtrain.api.schemas import DryRun
from dualtrain.core.data import describe
from dualtrain.core.estimate import Timing, count
from dualtrain.core.scheduling import Planner
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec

ROUND_SECONDS = 0.002
"""What the aggregator adds to a round besides tasks and update (measured): progress, events, checkpoints."""


def dry_run(spec: JobSpec, timing: Timing, settings: Settings, workers: int) -> DryRun:
    """Return what a job would take with this number of workers, from the times of its rounds."""
    data = describe(spec.dataset.name, settings.data_dir)
    counts = count(spec, data.train_samples)
    planner = Planner(None if spec.shards == "auto" else spec.shards, _work_seconds(spec, timing))
    choice = planner.choose(counts.blocks, workers)
    round_seconds = planner.round_seconds(choice, workers) + timing.update_seconds + ROUND_SECONDS
    evaluations = 1 + counts.total_steps // spec.evaluate_every
    seconds = counts.rounds * round_seconds + evaluations * data.test_samples * timing.sample_seconds
    return DryRun(
        **counts.model_dump(),
        spec=spec.model_dump(mode="json"),
        shards=max(1, len(choice.shares)),
        seconds_per_round=round_seconds,
        estimated_seconds=min(seconds, spec.max_seconds or seconds),
        workers=workers,
        reasons=planner.reasons,
    )


def _work_seconds(spec: JobSpec, timing: Timing) -> float:
    """Return the seconds that all units of a round compute."""
    if spec.local_steps == 1:
        return timing.batch_seconds
    return spec.replicas * spec.local_steps * (timing.batch_seconds + timing.update_seconds)
