"""A job as everybody sees it: its fields, its statuses and the one table of legal transitions."""

import re
from collections.abc import Sequence
from enum import StrEnum
from secrets import token_hex
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationInfo, field_validator

from dualtrain.core.runtime.times import now, seconds_between


class Status(StrEnum):
    """Status of a job."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


SOURCES: dict[Status, frozenset[Status]] = {
    Status.QUEUED: frozenset(),
    Status.RUNNING: frozenset({Status.QUEUED, Status.PAUSED}),
    Status.PAUSED: frozenset({Status.RUNNING}),
    Status.SUCCEEDED: frozenset({Status.RUNNING}),
    Status.FAILED: frozenset({Status.QUEUED, Status.RUNNING}),
    Status.CANCELLED: frozenset({Status.QUEUED, Status.RUNNING, Status.PAUSED}),
}
"""For each status, the statuses it may be reached from. Every writer goes by this table."""

ENDED = frozenset({Status.SUCCEEDED, Status.FAILED, Status.CANCELLED})

RETRIABLE = frozenset({Status.FAILED, Status.CANCELLED})
"""Statuses from which a job may be queued again to go on from its last checkpoint."""

_ID = re.compile(r"job-[0-9a-f]{12}")


def new_id() -> str:
    """Return an id that no job has."""
    return f"job-{token_hex(6)}"


def is_id(name: str) -> bool:
    """Return whether a name has the form of a job's id, whether or not there is such a job."""
    return _ID.fullmatch(name) is not None


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class Reason(_Record):
    """Why a job has its status: `code` is for programs and stable, `message` is for people."""

    code: str = Field(examples=["waiting_for_workers"])
    message: str = Field(examples=["No worker is running; the job goes on when one appears."])


IMPORTING = Reason(code="importing", message="Its weights were uploaded.")
"""Of a job that is made of uploaded weights, until it has them all."""


class Transition(_Record):
    """One change of status, with its time (ISO 8601, UTC)."""

    status: Status
    at: str
    reason: Reason | None = None


def running_seconds(transitions: Sequence[Transition], until: str | None = None) -> float | None:
    """Return for how long a job with these transitions was running `until` a time, None: now; None before it ran."""
    if all(transition.status is not Status.RUNNING for transition in transitions):
        return None
    ends = [transition.at for transition in transitions[1:]] + [until or now()]
    spans = zip(transitions, ends, strict=True)
    return sum(seconds_between(begin.at, end) for begin, end in spans if begin.status is Status.RUNNING)


class JobProgress(_Record):
    """Progress of a job. `passes`: one direction for one batch counts 1; `evaluations`: function values alone.

    `eta_seconds` is null while nothing is known, and when the job has ended.
    """

    step: int = 0
    total_steps: int | None = None
    epoch: float = 0.0
    samples_seen: int = 0
    passes: int = 0
    evaluations: int = 0
    steps_per_second: float | None = None
    worker_seconds: float = Field(0.0, description="time that workers computed for the job")
    eta_seconds: float | None = None


class Metrics(_Record):
    """The newest figures; accuracies from 0 to 1. `loss` is null before the first step and when it is not finite."""

    loss: float | None = None
    test_accuracy: float | None = None
    best_test_accuracy: float | None = None
    validation_accuracy: float | None = None


class ModelInfo(_Record):
    """The trained network: parameter count, and sha256 of the final bytes (little-endian, flat order)."""

    parameters: int | None = None
    sha256: str | None = None


class JobPlan(_Record):
    """Division of a job's rounds into shards. Grouping blocks into shards never changes the result."""

    blocks: int
    shards: int
    numerics: str
    code: str = ""
    reasons: list[str] = []


class SweepRef(_Record):
    """The place of a job in a sweep: the sweep's id, the cell's name and the seed."""

    id: str
    cell: str
    seed: int


class CheckpointRef(_Record):
    """A checkpoint of a job, by the job's id and the step."""

    job_id: str
    step: int


class Job(_Record):
    """A training job. Times are ISO 8601 in UTC; the estimated ones are no promises."""

    id: str
    name: str
    owner: str | None = Field(default=None, exclude=True)
    status: Status
    status_reason: Reason | None = None
    transitions: list[Transition] = []
    created_at: str
    started_at: str | None = None
    finished_at: str | None = None
    queue_position: int | None = None
    estimated_start_at: str | None = None
    estimated_finish_at: str | None = None
    duration_seconds: float | None = Field(None, description="running time; pauses and the queue do not count")
    spec: dict[str, Any]
    plan: JobPlan | None = None
    progress: JobProgress = JobProgress()
    metrics: Metrics = Metrics()
    model: ModelInfo = ModelInfo()
    retries: int = 0
    sweep: SweepRef | None = None
    initial_checkpoint: CheckpointRef | None = None

    @field_validator("progress")
    @classmethod
    def _none_left(cls, progress: JobProgress, info: ValidationInfo) -> JobProgress:
        """Return the progress; an ended job has no time left, whatever was written while it ran."""
        return progress.model_copy(update={"eta_seconds": None}) if info.data.get("status") in ENDED else progress
