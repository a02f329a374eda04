"""Lists of jobs: filters, order and pages over the rows of the index. Pure functions."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from dualtrain.core.job import Status
from dualtrain.core.store import JobRow

Sort = Literal["created_at", "started_at", "finished_at", "duration_seconds", "name", "status", "test_accuracy",
               "best_test_accuracy", "loss", "passes",
               "-created_at", "-started_at", "-finished_at", "-duration_seconds", "-name", "-status", "-test_accuracy",
               "-best_test_accuracy", "-loss", "-passes"]  # fmt: skip
"""Columns to sort by, descending with `-`. Jobs without a value come last; equal ones newest first."""
NEWEST: Sort = "-created_at"

_STATUS_ORDER = {
    Status.RUNNING: 0,
    Status.PAUSED: 1,
    Status.QUEUED: 2,
    Status.FAILED: 3,
    Status.CANCELLED: 4,
    Status.SUCCEEDED: 5,
}
_VALUES: Mapping[str, Callable[[JobRow], Any]] = {
    "created_at": lambda row: row.number,
    "name": lambda row: row.name.casefold() or None,
    "status": lambda row: _STATUS_ORDER[row.status],
}
"""Values of columns that do not go by a field's own."""


def _moment_of(value: Any) -> Any:
    """Return the time of an ISO 8601 text; plain numbers are no times here."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


Moment = Annotated[datetime, BeforeValidator(_moment_of)]


class JobFilter(BaseModel):
    """A choice of jobs: those that fit all the given fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: list[str] | None = Field(None, max_length=10_000, description="only these jobs")
    status: list[Status] = Field([], description="with any of these statuses")
    name: str | None = Field(None, max_length=200, description="contained in the name, in upper or lower case")
    q: str | None = Field(None, max_length=200, description="contained in name, id, method, data set, sweep, metadata")
    method: str | None = Field(None, max_length=100, description="the gradient method")
    dataset: str | None = Field(None, max_length=200, description="the data set's name")
    sweep: str | None = Field(None, max_length=100, description="the id of the job's sweep")
    owner: str | None = Field(None, max_length=64, description="the key that posted the job; for admins")
    created_after: Moment | None = Field(None, description="ISO 8601; UTC where no zone is given")
    created_before: Moment | None = Field(None, description="ISO 8601; UTC where no zone is given")
    min_accuracy: float | None = Field(None, ge=0, le=1, description="on the test split, from 0 to 1")
    metadata: dict[str, str] = Field({}, max_length=16, description="jobs whose metadata have these values")


@dataclass(frozen=True)
class Page:
    """A part of a list: ids in order, the number of all that fit, and the position that the next page is behind."""

    ids: tuple[str, ...]
    total: int
    next: tuple[Any, int] | None


def matching(rows: Iterable[JobRow], wanted: JobFilter, owns: Callable[[str | None], bool]) -> list[JobRow]:
    """Return the rows that fit a filter and belong to the caller."""
    tests = _tests(wanted)
    return [row for row in rows if owns(row.owner) and all(test(row) for test in tests)]


def page(rows: Sequence[JobRow], sort: str, limit: int, after: tuple[Any, int] | None = None) -> Page:
    """Return the first `limit` rows in an order, or those behind the position `after`: a value and a job's number.

    A position stays right whatever other jobs come, go or change.
    """
    value, descending = _value(sort), sort.startswith("-")
    keyed = sorted(((value(row), row.number, row.id) for row in rows), key=lambda item: -item[1])
    known = sorted((item for item in keyed if item[0] is not None), key=lambda item: item[0], reverse=descending)
    ordered = known + [item for item in keyed if item[0] is None]
    left = [item for item in ordered if after is None or _is_behind(item[0], item[1], after, descending)]
    shown = left[:limit]
    following = (shown[-1][0], shown[-1][1]) if len(left) > limit else None
    return Page(tuple(job_id for _, _, job_id in shown), len(rows), following)


def is_position(position: Any, sort: str) -> bool:
    """Return whether a decoded cursor is a position in this order: a value of the column's type, and a number."""
    if not isinstance(position, list) or len(position) != 2 or type(position[1]) is not int:
        return False
    kinds = (str,) if sort.lstrip("-") in ("started_at", "finished_at", "name") else (int, float)
    return position[0] is None or (isinstance(position[0], kinds) and not isinstance(position[0], bool))


def _value(sort: str) -> Callable[[JobRow], Any]:
    column = sort.lstrip("-")
    return _VALUES.get(column) or (lambda row: getattr(row, column))


def _is_behind(value: Any, number: int, after: tuple[Any, int], descending: bool) -> bool:
    if value == after[0]:
        return number < after[1]
    if value is None or after[0] is None:
        return value is None
    return bool(value < after[0] if descending else value > after[0])


def _tests(wanted: JobFilter) -> list[Callable[[JobRow], bool]]:
    """Return a test for each given field of a filter."""
    ids = frozenset(wanted.ids or ())
    statuses = frozenset(wanted.status)
    name = (wanted.name or "").casefold()
    text = (wanted.q or "").casefold()
    after, before = _moment(wanted.created_after), _moment(wanted.created_before)
    metadata = wanted.metadata.items()
    lowest = wanted.min_accuracy or 0.0
    tests: Mapping[str, Callable[[JobRow], bool]] = {
        "ids": lambda row: row.id in ids,
        "status": lambda row: row.status in statuses,
        "name": lambda row: name in row.name.casefold(),
        "q": lambda row: text in _described(row),
        "method": lambda row: row.method == wanted.method,
        "dataset": lambda row: row.dataset == wanted.dataset,
        "sweep": lambda row: row.sweep == wanted.sweep,
        "owner": lambda row: row.owner == wanted.owner,
        "created_after": lambda row: row.created_at > after,
        "created_before": lambda row: row.created_at < before,
        "min_accuracy": lambda row: row.test_accuracy is not None and row.test_accuracy >= lowest,
        "metadata": lambda row: metadata <= row.metadata.items(),
    }
    return [test for field, test in tests.items() if getattr(wanted, field) not in (None, [], {})]


def _described(row: JobRow) -> str:
    pairs = (f"{key}={value}" for key, value in row.metadata.items())
    return " ".join([row.name, row.id, row.method, row.dataset, row.sweep or "", *pairs]).casefold()


def _moment(moment: datetime | None) -> str:
    """Return a time as jobs have it, so that texts compare as times do."""
    if moment is None:
        return ""
    aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return aware.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
