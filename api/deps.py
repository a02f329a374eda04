"""What routes ask for, as annotated aliases: the services, who calls, and a job that this caller may see."""

from typing import Annotated

from fastapi import Depends, Path, Request
from fastapi.security import HTTPBearer

from api.problems import Problem
from api.security import Key, Scope
from api.services import Services
from core.job import Job
from core.store import UnknownJob, read

bearer = HTTPBearer(auto_error=False, description="An API key. A server on loopback may run without keys.")


async def services(request: Request) -> Services:
    """Return the services of this process."""
    found: Services = request.app.state.services
    return found


async def caller(request: Request) -> Key:
    """Return who calls; the gate has found that out already."""
    found: Key = request.state.key
    return found


ServicesDep = Annotated[Services, Depends(services)]
CallerDep = Annotated[Key, Depends(caller)]
JobId = Annotated[str, Path(max_length=100, examples=["job-5f2c9a1be07d"])]


def find_job(services: Services, key: Key, job_id: str) -> Job:
    """Return a job. Raises Problem when there is none that belongs to this key."""
    try:
        job = services.jobs.get(job_id)
    except UnknownJob:
        raise missing(job_id) from None
    if not key.owns(job.owner):
        raise missing(job_id)
    return job


def missing(job_id: str) -> Problem:
    """Return the problem of a job that is not there, or belongs to somebody else: nobody learns which."""
    return Problem("job_not_found", f"there is no job {job_id!r}; GET /v1/jobs lists yours")


async def own_job(services: ServicesDep, key: CallerDep, job_id: JobId) -> Job:
    """Return the job of the address. Raises Problem when there is none that belongs to this key."""
    try:
        job = await read(services.async_store, job_id)
    except UnknownJob:
        raise missing(job_id) from None
    if not key.owns(job.owner):
        raise missing(job_id)
    return job


async def _reader(key: CallerDep) -> None:
    _require(key, Scope.READ)


async def _submitter(key: CallerDep) -> None:
    _require(key, Scope.SUBMIT)


async def _administrator(key: CallerDep) -> None:
    _require(key, Scope.ADMIN)


def _require(key: Key, scope: Scope) -> None:
    if not key.may(scope):
        raise Problem("forbidden", f"key {key.name!r} lacks the scope {scope.value!r}")


JobDep = Annotated[Job, Depends(own_job)]
reads = [Depends(bearer), Depends(_reader)]
"""For `dependencies=` of a route that changes nothing."""
submits = [Depends(bearer), Depends(_submitter)]
"""For routes that make or change jobs."""
administers = [Depends(bearer), Depends(_administrator)]
"""For routes that change what all keys share."""
