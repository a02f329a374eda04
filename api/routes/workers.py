"""Who is working."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from dualtrain.api.dependencies import ServicesDep, reads
from dualtrain.api.errors.problems import documented
from dualtrain.core.store import Worker

router = APIRouter(prefix="/v1", tags=["workers"], dependencies=reads)


_PROBLEMS = documented("unauthenticated", "forbidden", "store_unavailable")


class WorkerList(BaseModel):
    """The workers that are alive now."""

    data: list[Worker]


@router.get("/workers", response_model=WorkerList, responses=_PROBLEMS)
def list_workers(services: ServicesDep) -> Any:
    """List the worker processes that are alive: on what, since when, with which numerics."""
    return WorkerList(data=services.exchange.workers())
