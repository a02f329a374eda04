"""Samples of a data set, as the page and the demonstration show them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, ServicesDep, reads
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.predictions.samples import SampleList
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.core.data import SIDE, UnknownDataset, is_prepared

router = APIRouter(prefix="/v1", tags=["datasets"], dependencies=reads)

LIMIT = 100


@router.get(
    "/datasets/{name:path}/samples",
    responses={
        200: {"model": SampleList},
        **documented("unauthenticated", "forbidden", "not_found", "invalid", "over_limit", "busy"),
    },
)
async def list_samples(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    name: str,
    split: Literal["train", "test"] = "test",
    first: Annotated[int, Query(ge=0, le=10**9)] = 0,
    limit: Annotated[int, Query(ge=1, le=LIMIT)] = 10,
) -> Any:
    """List samples in the form that predictions accept. The first call on a host reads the data set."""
    settings = services.settings
    prepared = await run_in_threadpool(is_prepared, name, SIDE, settings.data_dir)
    pool = services.pools.answers if prepared else services.pools.installs
    places = {"data_dir": str(settings.data_dir), "hub_datasets": settings.hub_datasets}
    arguments = {"name": name, "split": split, "first": first, "limit": limit, **places}
    with pool.admitted(key.name):
        listing = pool.run(key.name, "list_samples", arguments)
        try:
            reply = await unless_disconnected(request, listing)
        except UnknownDataset as error:
            raise Problem("not_found", str(error)) from error
    return Response(reply.block, media_type="application/json")
