"""Usage by API key."""

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel

from dualtrain.api.dependencies import CallerDep, ServicesDep, reads
from dualtrain.api.errors.problems import documented
from dualtrain.core.store.usage import Usage, usage_by_key

router = APIRouter(prefix="/v1/usage", tags=["jobs"], dependencies=reads)


class UsageList(BaseModel):
    """Usage, an entry for each key."""

    data: list[Usage]


@router.get(
    "",
    response_model=UsageList,
    responses=documented("unauthenticated", "forbidden", "invalid", "store_unavailable"),
)
def show_usage(
    services: ServicesDep,
    key: CallerDep,
    by: Annotated[Literal["key"], Query(description="one entry for each key")] = "key",
) -> UsageList:
    """Show jobs, passes, worker seconds and stored bytes by key: your own, for admins those of all keys."""
    rows = [row for row in services.index.rows() if key.owns(row.owner)]
    stored: dict[str | None, int] = {}
    owners = {row.id: row.owner for row in rows}
    for job_id, size in services.checkpoints.sizes(owners).items():
        stored[owners[job_id]] = stored.get(owners[job_id], 0) + size
    listed = [usage for usage in usage_by_key(services.store, rows) if key.owns(usage.key)]
    return UsageList(data=[usage.model_copy(update={"stored_bytes": stored.get(usage.key, 0)}) for usage in listed])
