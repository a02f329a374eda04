"""What the routes answer with, as models: the OpenAPI document is made from them."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from core.job import Job
from core.store import Summary

SpecDocument = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
"""The OpenAPI document says `JobSpec` here; the store's JSON is passed on as it is."""


class JobView(Job):
    """A job as the API shows it."""

    spec: SpecDocument


class JobList(BaseModel):
    """A page of jobs, newest first."""

    data: list[JobView]
    has_more: bool
    next: str | None = Field(description="the cursor of the next page, for `after`; null is the only sign of the end")


class Point(BaseModel):
    """A point of a job's history. Accuracies from 0 to 1, null where nothing was evaluated."""

    step: int
    loss: float | None = None
    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    elapsed_seconds: float | None = None
    at: str | None = None


class History(BaseModel):
    """The points so far, by step. A long history is thinned: the first and last points and evaluations stay."""

    job_id: str
    data: list[Point]


class EvaluationView(BaseModel):
    """The newest evaluation on the whole test split."""

    job_id: str
    step: int
    test_accuracy: float
    validation_accuracy: float | None = None
    confusion: list[list[int]] = Field(description="samples by true class (rows) and predicted class (columns)")
    by_class: list[float | None] = Field(description="accuracy of each class; null for a class without test samples")


class CheckpointView(Summary):
    """A kept checkpoint. `best` is the one with the highest accuracy, `last` the newest."""

    best: bool
    last: bool


class CheckpointList(BaseModel):
    """What is kept of a job, by step."""

    data: list[CheckpointView]


class WorkerView(BaseModel):
    """A living worker process, as it tells of itself."""

    model_config = ConfigDict(extra="allow")

    id: str


class WorkerList(BaseModel):
    """The workers that are alive now."""

    data: list[WorkerView]


class Health(BaseModel):
    """`checks` says for each part whether it can be reached, or how many there are."""

    status: Literal["ok", "not ready"]
    checks: dict[str, str] = {}


class Login(BaseModel):
    """An API key, to open a session of the page."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200)


class SessionView(BaseModel):
    """Who is logged in; `keys` says whether this server asks for keys at all."""

    name: str | None
    scopes: list[str]
    keys: bool


class DryRun(BaseModel):
    """What a job would be: nothing is queued. Times are estimates from constants measured on this machine."""

    spec: SpecDocument
    parameters: int
    blocks: int = Field(description="units of work of a round; shards are sets of them")
    shards: int
    total_steps: int
    rounds: int
    passes: int = Field(description="one direction for one batch counts 1")
    evaluations: int = Field(description="function values, for methods that use nothing else")
    memory_bytes: int = Field(description="of one worker process at most, beside its code and data")
    exchange_bytes_per_round: int
    seconds_per_round: float
    estimated_seconds: float
    workers: int = Field(description="living workers the estimate counts on; 1 when there is none")
    reasons: list[str]
