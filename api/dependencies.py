"""Dependencies of routes, as annotated aliases: the services, the caller's key, and a job that this caller may see."""

from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import Depends, Path, Query, Request
from fastapi.security import HTTPBearer

from dualtrain.api.security import Key, MissingScope, Scope
from dualtrain.api.services import Services
from dualtrain.core.job import Job
from dualtrain.core.store import UnknownJob, read_job

bearer = HTTPBearer(auto_error=False, description="An API key. A server on loopback may run without keys.")


async def services(request: Request) -> Services:
    """Return the services of this process."""
    services: Services = request.app.state.services
    return services


async def caller(request: Request) -> Key:
    """Return the caller's key, which the access middleware has checked already."""
    key: Key = request.state.key
    return key


ServicesDep = Annotated[Services, Depends(services)]
CallerDep = Annotated[Key, Depends(caller)]
JobId = Annotated[str, Path(max_length=100, examples=["job-5f2c9a1be07d"])]


def find_job(services: Services, key: Key, job_id: str) -> Job:
    """Return a job. Raises UnknownJob when there is none, or it is somebody else's: nobody learns which."""
    return _owned(services.jobs.get(job_id), key)


async def own_job(services: ServicesDep, key: CallerDep, job_id: JobId) -> Job:
    """Return the job of the address. Raises UnknownJob like `find_job`."""
    return _owned(await read_job(services.async_store, job_id), key)


def _owned(job: Job, key: Key) -> Job:
    if not key.owns(job.owner):
        raise UnknownJob(job.id)
    return job


def _needs(scope: Scope) -> list[Any]:
    """Return the dependencies of a route for keys with this scope; the first is for the OpenAPI document."""

    async def check(key: CallerDep) -> None:
        if not key.may(scope):
            raise MissingScope(key.name, scope.value)

    return [Depends(bearer), Depends(check)]


async def stream_slot(services: ServicesDep, key: CallerDep) -> AsyncIterator[None]:
    """Count an event stream until it ends. Raises TooManyStreams."""
    with services.streams.opened(key):
        yield


SPEC_BYTES = 1 << 20
"""The largest body of a job or a sweep."""
JobDep = Annotated[Job, Depends(own_job)]
Step = Annotated[
    str, Query(pattern=r"^(last|best|\d{1,12})$", description="`last`, `best`, or a step whose checkpoint is kept")
]
reads = _needs(Scope.READ)
"""For `dependencies=` of a route that changes nothing."""
submits = _needs(Scope.SUBMIT)
"""For routes that make or change jobs."""
administers = _needs(Scope.ADMIN)
"""For routes that change what all keys share."""
