"""Sweeps as the API shows them: the record, counts of its jobs by status, and its cells with their figures."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from pydantic import BaseModel, Field

from dualtrain.api.sweeps.outcomes import outcome_of
from dualtrain.core.history import COLUMNS
from dualtrain.core.job import Status
from dualtrain.core.store import Documents, Jobs
from dualtrain.core.store.sweeps import SweepRecord, Sweeps
from dualtrain.core.sweep import (
    CellSummary,
    Outcome,
    SweepJob,
    SweepSpec,
    SweepStatus,
    cells,
    jobs,
    mean_history,
    summarize,
)

HISTORY_COLUMNS = COLUMNS[1:]
"""Columns of a job's history that are averaged over the seeds: all but the step."""


class RungView(BaseModel):
    """A comparison of cells; those that are named went on after the step."""

    step: int
    kept: list[str]


class SweepSummary(BaseModel):
    """A sweep without its cells. Times are ISO 8601 in UTC."""

    id: str
    name: str
    status: SweepStatus
    created_at: str
    finished_at: str | None = None
    jobs: int = Field(description="jobs that the sweep has in all")
    counts: dict[str, int] = Field(description="jobs by status; `missing` ones are not queued yet")


class SweepView(SweepSummary):
    """A sweep with the figures of its cells over the seeds that have succeeded."""

    spec: dict[str, Any]
    rungs: list[RungView] = Field(description="comparisons of successive halving so far")
    cells: list[CellSummary]


class SweepList(BaseModel):
    """A page of sweeps, newest first."""

    data: list[SweepSummary]
    has_more: bool
    next: str | None = Field(description="the cursor of the next page, for `after`; null at the end")


class SweepTable(BaseModel):
    """The cells of a sweep with their figures."""

    sweep_id: str
    data: list[CellSummary]


class CellHistory(BaseModel):
    """The mean curve of a cell: for each recorded step, how many seeds have reached it, mean and deviation."""

    cell: str
    points: list[dict[str, Any]] = Field(description='`step`, `n`, and for each column `{"mean", "std"}`')


class SweepHistory(BaseModel):
    """The mean curves of all cells."""

    sweep_id: str
    data: list[CellHistory]


class SweepDryRun(BaseModel):
    """The size of a sweep; nothing is queued."""

    cells: int
    jobs: int
    passes: int = Field(description="one direction for one batch counts 1; of all jobs")
    evaluations: int = Field(description="function values, for methods that use nothing else; of all jobs")
    estimated_seconds: float = Field(description="of all jobs, one after the other")


class SweepReader:
    """Reads sweeps with their jobs from the store."""

    def __init__(self, sweeps: Sweeps, jobs: Jobs, documents: Documents) -> None:
        self._sweeps, self._jobs, self._documents = sweeps, jobs, documents

    def summary(self, sweep: SweepRecord) -> SweepSummary:
        """Return a sweep with the counts of its jobs."""
        return SweepSummary(**self._head(sweep))

    def view(self, sweep: SweepRecord) -> SweepView:
        """Return a sweep with its cells and their figures."""
        names = [cell.name for cell in cells(SweepSpec.model_validate(sweep.spec))]
        rungs = [RungView(step=rung.step, kept=[names[index] for index in rung.kept]) for rung in sweep.rungs]
        return SweepView(**self._head(sweep), spec=sweep.spec, rungs=rungs, cells=self.table(sweep))

    def table(self, sweep: SweepRecord) -> list[CellSummary]:
        """Return the figures of each cell."""
        return summarize(cells(SweepSpec.model_validate(sweep.spec)), self.outcomes(sweep))

    def outcomes(self, sweep: SweepRecord) -> list[Outcome]:
        """Return the outcome of every job that was queued: as it is now, or as it was when the job was deleted."""
        places = {place.id: place for place in _places(sweep)}
        recorded = self._sweeps.outcomes(sweep.id)
        present = {job.id: job for job in self._jobs.several(sorted(self._sweeps.created(sweep.id) - set(recorded)))}
        fresh = (outcome_of(job, places[job_id], []) for job_id, job in present.items())
        return [*recorded.values(), *fresh]

    def history(self, sweep: SweepRecord) -> SweepHistory:
        """Return the mean curve of each cell over the seeds whose jobs are kept."""
        by_cell: dict[str, list[str]] = {}
        for place in _places(sweep):
            by_cell.setdefault(place.cell.name, []).append(place.id)
        curves = [CellHistory(cell=name, points=self._mean_curve(ids)) for name, ids in by_cell.items()]
        return SweepHistory(sweep_id=sweep.id, data=curves)

    def _mean_curve(self, job_ids: Iterable[str]) -> list[dict[str, Any]]:
        return mean_history([self._documents.history(job_id) for job_id in job_ids], HISTORY_COLUMNS)

    def _head(self, sweep: SweepRecord) -> dict[str, Any]:
        spec = SweepSpec.model_validate(sweep.spec)
        counts = self._counts(sweep, spec.job_count)
        return sweep.model_dump(exclude={"owner", "spec", "rungs"}) | {"jobs": spec.job_count, "counts": counts}

    def _counts(self, sweep: SweepRecord, total: int) -> dict[str, int]:
        """Return the number of jobs by status; a job that was deleted counts with the status that it ended with."""
        recorded = {job_id: outcome.status for job_id, outcome in self._sweeps.outcomes(sweep.id).items()}
        created = self._sweeps.created(sweep.id)
        fields = self._jobs.fields(sorted(created - set(recorded)), "status")
        counts = Counter([*recorded.values(), *(status for _, (status,) in fields)])
        known = {status.value: counts[status.value] for status in Status}
        return {**known, "missing": total - len(created)}


def _places(sweep: SweepRecord) -> Iterable[SweepJob]:
    return jobs(sweep.id, SweepSpec.model_validate(sweep.spec))
