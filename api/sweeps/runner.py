"""The background task that carries sweeps on: it queues, pauses, resumes and cancels their jobs.

Every replica of the API runs it. Two that treat one sweep at the same time decide the same, and what both write counts
once, so no lease is needed.
"""

import asyncio
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

import structlog
from starlette.concurrency import run_in_threadpool

from dualtrain.api.jobs.record import new_job
from dualtrain.api.sweeps.outcomes import outcome_of
from dualtrain.core.job import ENDED, Reason, Status, SweepRef
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Conflict, Documents, Jobs, QueueFull, UnknownJob
from dualtrain.core.store.sweeps import SweepConflict, SweepRecord, Sweeps, UnknownSweep
from dualtrain.core.sweep import (
    Actions,
    JobState,
    Outcome,
    Rung,
    SweepJob,
    SweepSpec,
    job_document,
    jobs,
    kept_cells,
    metric_at,
    next_actions,
)
from dualtrain.core.sweep.steps import HALVED, PAUSED_BY_SWEEP, SWEEP_ENDED, WAITING_FOR_RUNG

POLL_SECONDS = 0.5
CREATED_AT_ONCE = 100
"""Jobs that are queued for one sweep before the next one has its turn."""

REASONS = {
    PAUSED_BY_SWEEP: Reason(code=PAUSED_BY_SWEEP, message="Its sweep is paused."),
    WAITING_FOR_RUNG: Reason(code=WAITING_FOR_RUNG, message="Waits until all cells of its sweep can be compared."),
    HALVED: Reason(code=HALVED, message="Its cell was behind when the cells of its sweep were compared."),
    "sweep_cancelled": Reason(code="sweep_cancelled", message="Its sweep was cancelled."),
    "resuming": Reason(code="resuming", message="The job goes on from its last checkpoint."),
}


@dataclass(frozen=True)
class SweepRunner:
    """Carries sweeps on, one step at a time. `advance` may be called by anybody at any time."""

    sweeps: Sweeps
    jobs: Jobs
    documents: Documents
    settings: Settings

    async def run_forever(self) -> None:
        """Advance every live sweep, over and over; a fault in one does not hold up the others."""
        while True:
            try:
                for sweep_id in await run_in_threadpool(self.sweeps.live):
                    await run_in_threadpool(self._advance_safely, sweep_id)
            except Exception as error:
                structlog.get_logger().warning("sweeps wait for the store", error=str(error))
            await asyncio.sleep(POLL_SECONDS)

    def advance(self, sweep_id: str) -> None:
        """Carry out the next actions of a sweep. Raises UnknownSweep."""
        sweep = self.sweeps.get(sweep_id)
        spec, plan = _planned(sweep.id, json.dumps(sweep.spec))
        created = self.sweeps.created(sweep_id)
        outcomes = self.sweeps.outcomes(sweep_id)
        states = self._states(created, outcomes)
        actions = next_actions(sweep.status, plan, states, created, sweep.rungs, spec.halving, spec.max_parallel)
        self._move(actions.pause, Status.PAUSED, Status.RUNNING)
        self._move(dict.fromkeys(actions.resume, "resuming"), Status.RUNNING, Status.PAUSED)
        self._move(actions.cancel, Status.CANCELLED)
        self._record(sweep, plan, states, outcomes)
        self._compare(sweep, spec, plan, actions)
        self._create(sweep, spec, actions.create)
        self._end(sweep, actions, states)

    def _advance_safely(self, sweep_id: str) -> None:
        try:
            self.advance(sweep_id)
        except UnknownSweep:
            self.sweeps.settle(sweep_id)
        except Exception:
            structlog.get_logger().exception("a sweep could not be carried on", sweep=sweep_id)

    def _states(self, created: Iterable[str], outcomes: Mapping[str, Outcome]) -> dict[str, JobState]:
        """Return the states of the jobs: of those that have ended as they were recorded, of others as they are now."""
        states = {job_id: JobState(Status(outcome.status)) for job_id, outcome in outcomes.items()}
        unrecorded = sorted(set(created) - set(states))
        for job_id, (status, progress, reason) in self.jobs.fields(unrecorded, "status", "progress", "status_reason"):
            states[job_id] = JobState(Status(status), (progress or {}).get("step", 0), (reason or {}).get("code"))
        return states

    def _move(self, codes: Mapping[str, str], to: Status, only_from: Status | None = None) -> None:
        for job_id, code in codes.items():
            try:
                self.jobs.move(job_id, to, REASONS[code], only_from=only_from)
            except (Conflict, UnknownJob):  # it moved or went meanwhile
                continue

    def _record(
        self, sweep: SweepRecord, plan: Iterable[SweepJob], states: Mapping[str, JobState], known: Mapping[str, Outcome]
    ) -> None:
        fresh = {job_id for job_id, state in states.items() if state.ended and job_id not in known}
        by_id = {job.id: job for job in plan if job.id in fresh}
        ended = (job for job in self.jobs.several(sorted(fresh)) if job.status in ENDED)
        outcomes = (outcome_of(job, by_id[job.id], self.documents.history(job.id)) for job in ended)
        self.sweeps.record(sweep.id, list(outcomes))

    def _compare(self, sweep: SweepRecord, spec: SweepSpec, plan: Iterable[SweepJob], actions: Actions) -> None:
        if actions.rung is None or spec.halving is None:
            return
        metrics: dict[int, list[float | None]] = {}
        for job in plan:
            if not sweep.rungs or job.cell.index in sweep.rungs[-1].kept:
                history = self.documents.history(job.id)
                metrics.setdefault(job.cell.index, []).append(metric_at(history, spec.halving.metric, actions.rung))
        self.sweeps.decide(sweep, Rung(actions.rung, kept_cells(spec.halving, metrics, metrics)))

    def _create(self, sweep: SweepRecord, spec: SweepSpec, missing: Iterable[SweepJob]) -> None:
        for job in list(missing)[:CREATED_AT_ONCE]:
            job_spec = JobSpec.model_validate(job_document(spec, job.cell, job.seed))
            reference = SweepRef(id=sweep.id, cell=job.cell.name, seed=job.seed)
            record = new_job(job.id, job_spec, sweep.owner, self.settings.data_dir, sweep=reference)
            try:
                self.jobs.create(record, job_spec.priority, self.settings.max_waiting_jobs)
            except QueueFull:  # the rest is queued when there is room
                return

    def _end(self, sweep: SweepRecord, actions: Actions, states: Mapping[str, JobState]) -> None:
        if actions.end is not None:
            try:
                self.sweeps.move(sweep.id, actions.end)
            except SweepConflict:  # it was paused or cancelled meanwhile
                return
        elif sweep.status in SWEEP_ENDED and all(state.ended for state in states.values()):
            self.sweeps.settle(sweep.id)


@lru_cache(maxsize=64)
def _planned(sweep_id: str, document: str) -> tuple[SweepSpec, tuple[SweepJob, ...]]:
    """Return the spec and jobs of a sweep; `document` is the JSON of its spec."""
    spec = SweepSpec.model_validate_json(document)
    return spec, tuple(jobs(sweep_id, spec))
