"""One action for all jobs that fit a filter."""

from collections import Counter
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from dualtrain.api.dependencies import SPEC_BYTES, CallerDep, ServicesDep, submits
from dualtrain.api.errors.problems import documented
from dualtrain.api.errors.validation import parse
from dualtrain.api.jobs.listing import JobFilter, matching
from dualtrain.api.routes.job_actions import REASONS
from dualtrain.api.services import Services
from dualtrain.core.job import ENDED, SOURCES, Status

router = APIRouter(prefix="/v1/jobs", tags=["jobs"], dependencies=submits)

Action = Literal["cancel", "delete", "pause", "resume"]
_TARGETS = {"cancel": Status.CANCELLED, "pause": Status.PAUSED, "resume": Status.RUNNING}
_ALLOWED: dict[str, frozenset[Status]] = {
    "cancel": SOURCES[Status.CANCELLED],
    "delete": ENDED,
    "pause": SOURCES[Status.PAUSED],
    "resume": frozenset({Status.PAUSED}),
}
"""The statuses that allow each action."""
_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/BulkAction"}}},
    }
}


class BulkAction(BaseModel):
    """An action for the jobs that fit a filter; an empty filter fits all your jobs."""

    model_config = ConfigDict(extra="forbid")

    action: Action
    filter: JobFilter
    dry_run: bool = Field(False, description="only count")


class BulkResult(BaseModel):
    """The numbers of jobs that fit the filter and that were changed."""

    action: Action
    dry_run: bool
    matched: int
    changed: int = Field(description="with `dry_run`, those that would be")
    skipped: dict[str, int] = Field(description="jobs whose status does not allow the action, by status")


async def _posted(request: Request) -> BulkAction:
    return parse(BulkAction, await request.body())


@router.post(
    "/actions",
    response_model=BulkResult,
    max_body_size=SPEC_BYTES,
    openapi_extra=_BODY,
    responses=documented("malformed_json", "unauthenticated", "forbidden", "body_too_large", "invalid",
                         "store_unavailable"),
)  # fmt: skip
def act_on_jobs(services: ServicesDep, key: CallerDep, posted: Annotated[BulkAction, Depends(_posted)]) -> Any:
    """Cancel, delete, pause or resume all jobs that fit a filter; `dry_run` only counts them."""
    rows = matching(services.index.rows(), posted.filter, key.owns)
    allowed = [row.id for row in rows if row.status in _ALLOWED[posted.action]]
    skipped = Counter(row.status.value for row in rows if row.status not in _ALLOWED[posted.action])
    changed = len(allowed) if posted.dry_run else _run(services, posted.action, allowed)
    return BulkResult(
        action=posted.action, dry_run=posted.dry_run, matched=len(rows), changed=changed, skipped=dict(skipped)
    )


def _run(services: Services, action: Action, job_ids: list[str]) -> int:
    """Carry the action out for each job whose status still allows it; return how many there were."""
    if action == "delete":
        return services.bulk.delete(job_ids)
    only_from = Status.PAUSED if action == "resume" else None
    return services.bulk.move(job_ids, _TARGETS[action], REASONS[action], only_from)
