"""Response models that several routes share; models of a single route stand beside it."""

from typing import Annotated, Any

from pydantic import BaseModel, Field, WithJsonSchema, computed_field

from dualtrain.core.job import Job

SpecDocument = Annotated[dict[str, Any], WithJsonSchema({"type": "object"})]
"""The OpenAPI document says `JobSpec` here; the store's JSON is passed on as it is."""


class JobView(Job):
    """A job as the API shows it."""

    owner: str | None = Field(None, description="for admins: the name of the key that posted the job")
    spec: SpecDocument


class JobList(BaseModel):
    """A page of jobs."""

    data: list[JobView]
    has_more: bool
    next: str | None = Field(description="the cursor of the next page, for `after`; null is the only sign of the end")
    total: int = Field(description="number of jobs on all pages")


class DryPlan(BaseModel):
    """Division of rounds into shards, as in a job's `plan`; numerics are known once workers have the data."""

    blocks: int
    shards: int
    reasons: list[str]


class DryRun(BaseModel):
    """Estimate of a job: nothing is queued. Times are estimates from constants measured on this machine."""

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

    @computed_field  # type: ignore[prop-decorator]
    @property
    def plan(self) -> DryPlan:
        """The same figures of the cut, where a job has them."""
        return DryPlan(blocks=self.blocks, shards=self.shards, reasons=self.reasons)
