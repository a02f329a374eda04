"""Who is working."""

from typing import Any

from fastapi import APIRouter

from api.deps import ServicesDep, reads
from api.problems import documented
from api.views import WorkerList, WorkerView

router = APIRouter(prefix="/v1", tags=["workers"], dependencies=reads)


_PROBLEMS = documented("unauthenticated", "forbidden", "store_unavailable")


@router.get("/workers", response_model=WorkerList, responses=_PROBLEMS)
def list_workers(services: ServicesDep) -> Any:
    """List the worker processes that are alive: on what, since when, with which numerics."""
    return WorkerList(data=[WorkerView.model_validate(worker) for worker in services.exchange.workers()])
