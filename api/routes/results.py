"""What came of a job so far: history, evaluation, checkpoints."""

from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field

from dualtrain.api.dependencies import JobDep, ServicesDep, reads
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.http.content_types import negotiate
from dualtrain.api.http.tables import PARQUET, table_forms, write_table
from dualtrain.core.history import COLUMNS
from dualtrain.core.store import Summary, best

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"], dependencies=reads)

_PROBLEMS = documented("unauthenticated", "forbidden", "job_not_found", "invalid", "store_unavailable")


class Point(BaseModel):
    """A point of a job's history. Accuracies are from 0 to 1, null where nothing was evaluated."""

    step: int
    samples_seen: int | None = None
    passes: int | None = None
    evaluations: int | None = Field(None, description="function values, for methods that use nothing else")
    loss: float | None = None
    test_accuracy: float | None = None
    validation_accuracy: float | None = None
    gradient_norm: float | None = None
    gradient_variance: float | None = Field(None, description="of estimates; null for exact methods")
    cosine: float | None = Field(None, description="to the exact gradient of the same batch, where it was asked for")
    seconds: float | None = Field(None, description="running time so far; pauses do not count")
    worker_seconds: float | None = Field(None, description="time so far that workers computed for the job")


class History(BaseModel):
    """The points so far, by step: at most some 1,000, at steps that follow from the spec alone."""

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


@router.get(
    "/history",
    response_model=History,
    responses={200: table_forms("step,samples_seen,passes\r\n"), **_PROBLEMS, **documented("not_acceptable")},
)
def job_history(
    services: ServicesDep, job: JobDep, accept: Annotated[str, Header(max_length=1000, examples=["text/csv"])] = "*/*"
) -> Any:
    """Show loss, accuracies, counters and times by step: JSON, CSV or Parquet, by `Accept`."""
    form = negotiate(accept, ("application/json", "text/csv", PARQUET))
    points = [Point.model_validate(point) for point in services.documents.history(job.id)]
    if form == "application/json":
        document = History(job_id=job.id, data=points).model_dump_json()
        return Response(document, 200, {"Vary": "Accept"}, form)
    rows = [point.model_dump() for point in points]
    return Response(write_table(rows, COLUMNS, form), media_type=form, headers={"Vary": "Accept"})


@router.get("/evaluation", response_model=EvaluationView, responses={**_PROBLEMS, **documented("not_there_yet")})
def job_evaluation(services: ServicesDep, job: JobDep) -> Any:
    """Show the newest evaluation on the whole test split: the confusion matrix, and the accuracy of each class."""
    found = services.documents.evaluation(job.id)
    if found is None:
        raise Problem("not_there_yet", f"job {job.id} has made no evaluation yet; it makes one every "
                                       f"{job.spec['evaluate_every']} steps and at its end")  # fmt: skip
    return EvaluationView(job_id=job.id, **found)


@router.get("/checkpoints", response_model=CheckpointList, responses=_PROBLEMS)
def job_checkpoints(services: ServicesDep, job: JobDep) -> Any:
    """List the checkpoints that are kept: the best, the last, and as many evaluated ones as the spec asks for."""
    kept = services.checkpoints.list(job.id)
    chosen = best(kept)
    return CheckpointList(
        data=[CheckpointView(**one.model_dump(), best=one is chosen, last=one is kept[-1]) for one in kept]
    )
