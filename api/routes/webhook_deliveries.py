"""The deliveries of a job's webhook."""

from typing import Annotated

from fastapi import APIRouter, Path, Response
from pydantic import BaseModel, Field

from dualtrain.api.dependencies import JobDep, ServicesDep, reads, submits
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.core.runtime.times import iso
from dualtrain.core.store import Webhooks
from dualtrain.core.store.webhooks import Delivery

router = APIRouter(prefix="/v1/jobs/{job_id}/webhooks", tags=["jobs"])

_PROBLEMS = documented("unauthenticated", "forbidden", "job_not_found", "invalid", "store_unavailable")


class DeliveryView(BaseModel):
    """A delivery: an event, the attempts to send it, and what came of the last one."""

    id: str = Field(examples=["succeeded.3"], description="`webhook-id` is the job's id, a dot and this")
    type: str = Field(examples=["job.succeeded"])
    created_at: str
    state: str = Field(description="`pending`, `delivered`, `refused` or `given_up`")
    attempts: int
    attempted_at: str | None
    outcome: str = Field(description="of the last attempt: an HTTP status, or an error")


class DeliveryList(BaseModel):
    """Deliveries, oldest first."""

    data: list[DeliveryView]


@router.get("", dependencies=reads, response_model=DeliveryList, responses=_PROBLEMS)
def list_deliveries(services: ServicesDep, job: JobDep) -> DeliveryList:
    """List the deliveries of a job's webhook; of many evaluations the newest are kept."""
    return DeliveryList(data=[_view(delivery) for delivery in Webhooks(services.store).list(job.id)])


@router.post(
    "/{delivery_id}/send",
    status_code=202,
    dependencies=submits,
    responses={202: {"description": "It is sent again"}, **_PROBLEMS, **documented("not_found")},
)
def send_delivery_again(
    services: ServicesDep, job: JobDep, delivery_id: Annotated[str, Path(max_length=100)]
) -> Response:
    """Send a delivery again, with the same `webhook-id` and new attempts."""
    if not Webhooks(services.store).send_again(job.id, delivery_id):
        raise Problem(
            "not_found", f"job {job.id} has no delivery {delivery_id!r}; GET /v1/jobs/{job.id}/webhooks lists them"
        )
    return Response(status_code=202)


def _view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.name,
        type=delivery.type,
        created_at=iso(delivery.created),
        state=delivery.state,
        attempts=delivery.attempts,
        attempted_at=None if delivery.attempted is None else iso(delivery.attempted),
        outcome=delivery.outcome,
    )
