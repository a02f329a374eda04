"""Results of a sweep by cell: mean and standard deviation over the seeds."""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean, stdev
from typing import Any

from pydantic import BaseModel, ConfigDict

from dualtrain.core.sweep.spec import Cell


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Outcome(_Record):
    """The newest figures of one job. Accuracies are from 0 to 1; a figure is None while it is not known."""

    job_id: str
    cell: int
    seed: int
    status: str
    test_accuracy: float | None = None
    best_test_accuracy: float | None = None
    validation_accuracy: float | None = None
    loss: float | None = None
    seconds: float | None = None
    passes: int = 0


class Spread(_Record):
    """The values of a figure over the seeds, in their order; `std` is the sample's, null for fewer than two values."""

    mean: float | None
    std: float | None
    values: list[float]


class CellSummary(_Record):
    """A cell with its figures over the seeds. `n` counts the jobs that succeeded; only they enter the figures."""

    name: str
    set: dict[str, Any]
    n: int
    test_accuracy: Spread
    best_test_accuracy: Spread
    loss: Spread
    seconds: Spread
    passes: Spread


FIGURES = ("test_accuracy", "best_test_accuracy", "loss", "seconds", "passes")


def spread(values: Iterable[float | None]) -> Spread:
    """Return mean and standard deviation of the values that are known."""
    known = [float(value) for value in values if value is not None]
    return Spread(
        mean=fmean(known) if known else None,
        std=stdev(known) if len(known) > 1 else None,
        values=known,
    )


def summarize(cells: Sequence[Cell], outcomes: Iterable[Outcome]) -> list[CellSummary]:
    """Return a summary of each cell, in order, from the outcomes of its jobs."""
    by_cell: dict[int, list[Outcome]] = {cell.index: [] for cell in cells}
    for outcome in sorted(outcomes, key=lambda outcome: outcome.seed):
        if outcome.status == "succeeded":
            by_cell[outcome.cell].append(outcome)
    return [_summary(cell, by_cell[cell.index]) for cell in cells]


def mean_history(histories: Sequence[Sequence[Mapping[str, Any]]], columns: Iterable[str]) -> list[dict[str, Any]]:
    """Return, for each recorded step, mean and standard deviation of the columns over the histories that reach it."""
    by_step: dict[int, list[Mapping[str, Any]]] = {}
    for history in histories:
        for point in history:
            by_step.setdefault(point["step"], []).append(point)
    names = tuple(columns)
    return [_point(step, by_step[step], names) for step in sorted(by_step)]


def _point(step: int, points: Sequence[Mapping[str, Any]], names: Iterable[str]) -> dict[str, Any]:
    spreads = {name: spread(point.get(name) for point in points) for name in names}
    figures = {name: {"mean": figure.mean, "std": figure.std} for name, figure in spreads.items()}
    return {"step": step, "n": len(points), **figures}


def _summary(cell: Cell, outcomes: Sequence[Outcome]) -> CellSummary:
    figures = {name: spread(getattr(outcome, name) for outcome in outcomes) for name in FIGURES}
    return CellSummary(name=cell.name, set=dict(cell.changes), n=len(outcomes), **figures)
