"""How long jobs take: counts of the spec, times measured once for each kind of round, the planner's shards."""

import os
import subprocess
import sys
from threading import Lock

import structlog

from dualtrain.api.errors.problems import Problem
from dualtrain.api.schemas import DryRun
from dualtrain.core.data import describe
from dualtrain.core.estimate import Timing, count
from dualtrain.core.scheduling import Planner
from dualtrain.core.settings import ONE_THREAD, Settings
from dualtrain.core.spec import JobSpec

MEASURE_SECONDS = 30.0
"""A kind of round that takes longer than this to measure is refused to be estimated."""
ROUND_SECONDS = 0.002
"""What the aggregator adds to a round besides tasks and update (measured): progress, events, checkpoints."""
KEPT_TIMINGS = 1000
"""Kinds of rounds whose times are remembered."""
_TIMINGS: dict[str, Timing] = {}
_MEASURING = Lock()


def dry_run(spec: JobSpec, settings: Settings, workers: int) -> DryRun:
    """Return what a job would be with so many workers. Measures a kind of round when it is asked for first."""
    data = describe(spec.dataset.name, settings.data_dir)
    counts, timing = count(spec, data.train_samples), timing_of(spec)
    planner = Planner(None if spec.shards == "auto" else spec.shards, _work_seconds(spec, timing))
    cut = planner.cut(counts.blocks, workers)
    round_seconds = planner.round_seconds(cut.tasks, workers) + timing.update_seconds + ROUND_SECONDS
    evaluations = 1 + counts.total_steps // spec.evaluate_every
    seconds = counts.rounds * round_seconds + evaluations * data.test_samples * timing.sample_seconds
    return DryRun(
        **counts.model_dump(),
        spec=spec.model_dump(mode="json"),
        shards=len(cut.shares),
        seconds_per_round=round_seconds,
        estimated_seconds=min(seconds, spec.max_seconds or seconds),
        workers=workers,
        reasons=planner.reasons,
    )


def timing_of(spec: JobSpec) -> Timing:
    """Return the times of this kind of round on this machine. Raises Problem when they cannot be measured."""
    kind = {"dataset": {"image_size": spec.dataset.image_size}} | spec.model_dump(
        mode="json", include={"network", "gradient", "optimizer", "batch_size", "dtype"}
    )
    name = JobSpec.model_validate(kind).model_dump_json()
    return _TIMINGS.get(name) or _measured(name)


def _measured(kind: str) -> Timing:
    """Measure a kind of round, once for all who ask for it meanwhile; one kind at a time, or they slow each other."""
    if not _MEASURING.acquire(timeout=MEASURE_SECONDS):
        raise Problem("not_estimable", f"others were measured for {MEASURE_SECONDS:.0f} s; try again in a minute")
    try:
        if kind not in _TIMINGS:
            _TIMINGS[kind] = _timing(kind)
            for oldest in list(_TIMINGS)[:-KEPT_TIMINGS]:
                del _TIMINGS[oldest]
        return _TIMINGS[kind]
    finally:
        _MEASURING.release()


def _timing(kind: str) -> Timing:
    command = (sys.executable, "-m", "dualtrain.core.estimate")
    try:
        done = subprocess.run(command, input=kind.encode(), stdout=subprocess.PIPE, timeout=MEASURE_SECONDS,
                              check=True, env={**os.environ, **ONE_THREAD})  # fmt: skip
    except (subprocess.TimeoutExpired, subprocess.CalledProcessError) as error:
        structlog.get_logger().warning("a round was not measured", error=str(error))
        message = f"one round of this job cannot be measured within {MEASURE_SECONDS:.0f} s; try smaller batches"
        raise Problem("not_estimable", message) from None
    return Timing.model_validate_json(done.stdout)


def _work_seconds(spec: JobSpec, timing: Timing) -> float:
    """Return what all units of a round compute."""
    if spec.local_steps == 1:
        return timing.batch_seconds
    return spec.replicas * spec.local_steps * (timing.batch_seconds + timing.update_seconds)
