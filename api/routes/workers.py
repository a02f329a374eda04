"""Workers: the processes that compute."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from dualtrain.api.dependencies import CallerDep, ServicesDep, reads
from dualtrain.api.errors.problems import documented
from dualtrain.core.store import Worker

router = APIRouter(prefix="/v1", tags=["workers"], dependencies=reads)


_PROBLEMS = documented("unauthenticated", "forbidden", "store_unavailable")


class WorkerList(BaseModel):
    """The workers that are alive now."""

    data: list[Worker]


@router.get("/workers", response_model=WorkerList, responses=_PROBLEMS)
def list_workers(services: ServicesDep, key: CallerDep) -> Any:
    """List the worker processes that are alive.

    `doing` names the caller's jobs only; it is null for a worker that is idle or computes for another key.
    """
    workers = services.exchange.workers()
    jobs = {worker.doing.job for worker in workers if worker.doing}
    owned = {job_id for job_id, (owner,) in services.jobs.fields(jobs, "owner") if key.owns(owner)}
    return WorkerList(data=[_shown(worker, owned) for worker in workers])


def _shown(worker: Worker, owned: set[str]) -> Worker:
    if worker.doing is None or worker.doing.job in owned:
        return worker
    return worker.model_copy(update={"doing": None})
