"""What came of a job so far: history, evaluation, checkpoints."""

import csv
import io
from typing import Annotated, Any

from fastapi import APIRouter, Header, Response
from pydantic import BaseModel, Field

from dualtrain.api.content_types import negotiate
from dualtrain.api.dependencies import JobDep, ServicesDep, reads
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.core.store import Summary, best

router = APIRouter(prefix="/v1/jobs/{job_id}", tags=["results"], dependencies=reads)

_PROBLEMS = documented("unauthenticated", "forbidden", "job_not_found", "invalid", "store_unavailable")
_CSV = {"content": {"text/csv": {"schema": {"type": "string"}, "example": "step,loss,test_accuracy\r\n"}}}


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


@router.get(
    "/history",
    response_model=History,
    responses={200: _CSV, **_PROBLEMS, **documented("not_acceptable")},
)
def job_history(
    services: ServicesDep, job: JobDep, accept: Annotated[str, Header(max_length=1000, examples=["text/csv"])] = "*/*"
) -> Any:
    """Show step, loss, accuracies and times so far: JSON, or CSV with `Accept: text/csv`."""
    form = negotiate(accept, ("application/json", "text/csv"))
    points = [Point.model_validate(point) for point in services.documents.history(job.id)]
    if form == "text/csv":
        return Response(_csv(points), media_type="text/csv", headers={"Vary": "Accept"})
    return Response(History(job_id=job.id, data=points).model_dump_json(), 200, {"Vary": "Accept"}, "application/json")


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


def _csv(points: list[Point]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(Point.model_fields))
    writer.writeheader()
    writer.writerows(point.model_dump() for point in points)
    return text.getvalue()
