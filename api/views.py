"""What several routes answer with, as models; what one alone takes or answers with stands beside it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, WithJsonSchema

from core.job import Job

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


class WorkerView(BaseModel):
    """A living worker process, as it tells of itself."""

    model_config = ConfigDict(extra="allow")

    id: str


class WorkerList(BaseModel):
    """The workers that are alive now."""

    data: list[WorkerView]


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
