"""Jobs: list and show."""

import hashlib
import re
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, JobId, ServicesDep, own_job, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.http import cursors
from dualtrain.api.http.headers import IfNoneMatch, matches
from dualtrain.api.jobs.listing import NEWEST, JobFilter, Moment, Sort, is_position, matching, page
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.schemas import JobList, JobView
from dualtrain.api.security import Key, UnknownKey
from dualtrain.api.services import Services
from dualtrain.core.job import ENDED, Job, Status

router = APIRouter(prefix="/v1", tags=["jobs"])

LIMIT = 100
"""The longest page; a longer one that is asked for is cut to this."""
LONGEST_WAIT_SECONDS = 60
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?")
_METADATA = re.compile(r"metadata\[(.*)\]", re.DOTALL)
_METADATA_PARAMETER = {
    "name": "metadata",
    "in": "query",
    "style": "deepObject",
    "explode": True,
    "description": "`metadata[k]=v`: only jobs whose metadata have this value",
    "schema": {"type": "object", "additionalProperties": {"type": "string"}},
}


def _filter(
    request: Request,
    status: Annotated[list[Status], Query(description="with any of these statuses")] = [],  # noqa: B006
    name: Annotated[str | None, Query(max_length=200, description="contained in the name, in any case")] = None,
    q: Annotated[
        str | None, Query(max_length=200, description="contained in name, id, method, data set, sweep or metadata")
    ] = None,
    method: Annotated[str | None, Query(max_length=100, description="the gradient method")] = None,
    dataset: Annotated[str | None, Query(max_length=200)] = None,
    sweep: Annotated[str | None, Query(max_length=100, description="a sweep's id")] = None,
    owner: Annotated[str | None, Query(max_length=64, description="the key that posted the job; for admins")] = None,
    created_after: Annotated[Moment | None, Query(description="UTC where no zone is given")] = None,
    created_before: Annotated[Moment | None, Query(description="UTC where no zone is given")] = None,
    min_accuracy: Annotated[float | None, Query(ge=0, le=1, description="on the test split")] = None,
) -> JobFilter:
    pairs = ((_METADATA.fullmatch(parameter), value) for parameter, value in request.query_params.items())
    return JobFilter(
        status=status,
        name=name,
        q=q,
        method=method,
        dataset=dataset,
        sweep=sweep,
        owner=owner,
        created_after=created_after,
        created_before=created_before,
        min_accuracy=min_accuracy,
        metadata={match[1]: value for match, value in pairs if match},
    )


@router.get(
    "/jobs",
    dependencies=reads,
    response_model=JobList,
    openapi_extra={"parameters": [_METADATA_PARAMETER]},
    responses=documented("unauthenticated", "forbidden", "invalid", "store_unavailable"),
)
def list_jobs(
    services: ServicesDep,
    key: CallerDep,
    wanted: Annotated[JobFilter, Depends(_filter)],
    limit: Annotated[int, Query(ge=1, description=f"at most {LIMIT}; more is taken as {LIMIT}")] = 20,
    after: Annotated[str | None, Query(max_length=1000, description="`next` of the page before")] = None,
    sort: Annotated[Sort, Query(description="a column, descending with `-`; jobs without a value come last")] = NEWEST,
) -> Any:
    """List jobs that fit all the given filters, newest first unless `sort` says otherwise."""
    rows = matching(services.index.rows(), wanted, key.owns)
    part = page(rows, sort, min(limit, LIMIT), _position(after, sort))
    shown = [services.forecast.view(job, key) for job in services.jobs.several(part.ids)]
    following = None if part.next is None else cursors.encode(part.next)
    document = JobList(data=shown, has_more=following is not None, next=following, total=part.total)
    return Response(document.model_dump_json(), media_type="application/json")


def _position(cursor: str | None, sort: str) -> tuple[Any, int] | None:
    """Return the position of a cursor. Raises Problem `invalid` for one of another list or another order."""
    if not cursor:
        return None
    position = cursors.decode(cursor)
    if not is_position(position, sort):
        raise cursors.unknown(cursor)
    return position[0], position[1]


@router.get(
    "/jobs/{job_id}",
    dependencies=reads,
    responses={
        200: {"model": JobView, "headers": {"ETag": {"schema": {"type": "string"}}}},
        304: {"description": "Not changed; estimates and queue position do not count"},
        **documented(
            "unauthenticated", "forbidden", "job_not_found", "invalid", "too_many_streams", "store_unavailable"
        ),
    },
)
async def get_job(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    job_id: JobId,
    if_none_match: IfNoneMatch = None,
    prefer: Annotated[
        str | None,
        Header(max_length=200, description=f"`wait=N`: hold the answer until the status changes or an evaluation "
                                           f"is made, for at most N seconds (up to {LONGEST_WAIT_SECONDS})"),
    ] = None,
) -> Response:  # fmt: skip
    """Show a job; with `Prefer: wait=N` as soon as something has happened to it."""
    wait = _WAIT.search(prefer or "")
    seconds = min(int(wait[1]), LONGEST_WAIT_SECONDS) if wait else 0
    job = await own_job(services, key, job_id)
    if seconds and job.status not in ENDED:
        job = await _after_change(request, services, key, job_id, if_none_match, seconds)
    headers = {"ETag": _etag(job), "Cache-Control": "private, no-cache"}
    if wait:
        headers["Preference-Applied"] = f"wait={seconds}"
    if matches(if_none_match, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    plays = job.status is Status.QUEUED  # only then the forecast asks the store
    view = services.forecast.view
    shown = await run_in_threadpool(view, job, key) if plays else view(job, key)
    return Response(shown.model_dump_json(), 200, headers, "application/json")


async def _after_change(
    request: Request, services: Services, key: Key, job_id: str, if_none_match: str | None, seconds: int
) -> Job:
    """Return a job once something has happened to it, at once if the caller does not know its present state.

    Raises ClientDisconnect when the caller leaves, UnknownKey when its key was removed meanwhile.
    """
    with services.streams.opened(key), services.fanout.listen(job_id) as listener:
        job = await own_job(services, key, job_id)
        known = if_none_match is None or matches(if_none_match, _etag(job))
        if known and job.status not in ENDED:
            await unless_disconnected(request, listener.notable(job.status, seconds))
    current = services.current(key)
    if current is None:
        raise UnknownKey
    return await own_job(services, current, job_id)


def _etag(job: Job) -> str:
    """Return a weak validator: what changes by the clock alone, or with other jobs, is not part of it."""
    steady = job.model_dump_json(exclude={"queue_position": True, "progress": {"eta_seconds"}})
    return f'W/"{hashlib.sha256(steady.encode()).hexdigest()[:20]}"'
