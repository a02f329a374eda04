"""The next actions of a sweep, decided from its record and the states of its jobs alone.

The function is pure: the same facts always give the same decision, so any process can continue a sweep,
and an action that was carried out twice does nothing the second time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from statistics import fmean
from typing import Any

from dualtrain.core.job import ENDED, Status
from dualtrain.core.sweep.spec import Halving, SweepJob

PAUSED_BY_SWEEP = "sweep_paused"
"""Reason code of a job that is paused with its sweep."""
WAITING_FOR_RUNG = "waiting_for_rung"
"""Reason code of a job that has reached a step at which cells are compared, and waits for the other cells."""
HALVED = "halved"
"""Reason code of a job that was cancelled because its cell was behind."""


class SweepStatus(StrEnum):
    """Statuses of a sweep."""

    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


SWEEP_SOURCES: dict[SweepStatus, frozenset[SweepStatus]] = {
    SweepStatus.RUNNING: frozenset({SweepStatus.PAUSED}),
    SweepStatus.PAUSED: frozenset({SweepStatus.RUNNING}),
    SweepStatus.SUCCEEDED: frozenset({SweepStatus.RUNNING}),
    SweepStatus.FAILED: frozenset({SweepStatus.RUNNING}),
    SweepStatus.CANCELLED: frozenset({SweepStatus.RUNNING, SweepStatus.PAUSED}),
}
"""For each status of a sweep, the statuses that it may be reached from."""

SWEEP_ENDED = frozenset({SweepStatus.SUCCEEDED, SweepStatus.FAILED, SweepStatus.CANCELLED})


@dataclass(frozen=True)
class JobState:
    """The state of one of the sweep's jobs: `reason` is the code of its status, `step` its newest step."""

    status: Status
    step: int = 0
    reason: str | None = None

    @property
    def ended(self) -> bool:
        """True if the job will make no further step."""
        return self.status in ENDED


@dataclass(frozen=True)
class Rung:
    """One comparison of cells: those in `kept` go on after the step."""

    step: int
    kept: tuple[int, ...]


@dataclass(frozen=True)
class Actions:
    """Next actions. `rung` is a comparison that is due: its cells' metrics are still to be read."""

    create: tuple[SweepJob, ...] = ()
    pause: Mapping[str, str] = field(default_factory=dict)
    """Job ids with the reason code."""
    resume: tuple[str, ...] = ()
    cancel: Mapping[str, str] = field(default_factory=dict)
    rung: int | None = None
    """Step of the comparison."""
    end: SweepStatus | None = None


def next_actions(
    status: SweepStatus,
    jobs: Sequence[SweepJob],
    states: Mapping[str, JobState],
    created: frozenset[str],
    rungs: Sequence[Rung],
    halving: Halving | None,
    max_parallel: int | None,
) -> Actions:
    """Return the next actions of a sweep.

    `states` holds the jobs that exist; a job in `created` that has no state was deleted and counts as ended.
    """
    live = {job_id: state for job_id, state in states.items() if not state.ended}
    if status in SWEEP_ENDED:
        return Actions(cancel=dict.fromkeys(live, "sweep_cancelled"))
    if status is SweepStatus.PAUSED:
        return Actions(pause=_with_status(live, Status.RUNNING, PAUSED_BY_SWEEP))
    eligible = [job for job in jobs if not rungs or job.cell.index in rungs[-1].kept]
    step = _next_rung(halving, rungs)
    behind = {job.id for job in jobs} - {job.id for job in eligible}
    cancel = {job_id: HALVED for job_id in behind if job_id in live}
    if step is not None and _all_reached(eligible, states, created, step):
        return Actions(cancel=cancel, rung=step)
    waiting = {job_id for job_id, state in live.items() if step is not None and state.step >= step}
    pause = _with_status({i: live[i] for i in waiting - behind}, Status.RUNNING, WAITING_FOR_RUNG)
    resume = [job_id for job_id, state in live.items() if job_id not in waiting | behind and _is_held(state)]
    active = len(live) - len(waiting) - len(behind & live.keys())
    missing = [job for job in eligible if job.id not in created]
    room = len(missing) if max_parallel is None else max(0, max_parallel - active)
    return Actions(
        create=tuple(missing[:room]),
        pause=pause,
        resume=tuple(sorted(resume)),
        cancel=cancel,
        end=None if live or missing else _outcome(eligible, states),
    )


def kept_cells(
    halving: Halving, cells: Iterable[int], metrics: Mapping[int, Sequence[float | None]]
) -> tuple[int, ...]:
    """Return the cells that go on, in order: the best by the mean over seeds; ties go to the earlier cell.

    A cell of which no seed has the metric comes last.
    """
    candidates = list(cells)
    sign = 1.0 if halving.metric == "loss" else -1.0

    def rank(cell: int) -> tuple[bool, float, int]:
        values = [value for value in metrics.get(cell, ()) if value is not None]
        return (not values, sign * fmean(values) if values else 0.0, cell)

    count = max(1, round(halving.keep * len(candidates)))
    return tuple(sorted(sorted(candidates, key=rank)[:count]))


def metric_at(history: Iterable[Mapping[str, Any]], metric: str, step: int) -> float | None:
    """Return the newest value of a metric at or before a step, None when there is none."""
    values = [point[metric] for point in history if point["step"] <= step and point.get(metric) is not None]
    return float(values[-1]) if values else None


def _next_rung(halving: Halving | None, rungs: Sequence[Rung]) -> int | None:
    if halving is None or len(rungs) == len(halving.at_steps):
        return None
    return halving.at_steps[len(rungs)]


def _all_reached(jobs: Iterable[SweepJob], states: Mapping[str, JobState], created: frozenset[str], step: int) -> bool:
    return all(job.id in created and _has_reached(states.get(job.id), step) for job in jobs)


def _has_reached(state: JobState | None, step: int) -> bool:
    return state is None or state.ended or state.step >= step


def _is_held(state: JobState) -> bool:
    return state.status is Status.PAUSED and state.reason in (PAUSED_BY_SWEEP, WAITING_FOR_RUNG)


def _with_status(states: Mapping[str, JobState], status: Status, code: str) -> dict[str, str]:
    return {job_id: code for job_id, state in states.items() if state.status is status}


def _outcome(jobs: Iterable[SweepJob], states: Mapping[str, JobState]) -> SweepStatus:
    failed = any(states[job.id].status is Status.FAILED for job in jobs if job.id in states)
    return SweepStatus.FAILED if failed else SweepStatus.SUCCEEDED
