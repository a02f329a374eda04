"""Jobs: list and show."""

import base64
import hashlib
import re
from collections.abc import Callable, Iterable
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, JobId, ServicesDep, own_job, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.errors.validation import fault
from dualtrain.api.http_headers import IfNoneMatch, matches
from dualtrain.api.sandbox.disconnects import unless_disconnected
from dualtrain.api.schemas import JobList, JobView
from dualtrain.api.security import Key, UnknownKey
from dualtrain.api.services import Services
from dualtrain.core.job import ENDED, Job, Status
from dualtrain.core.store import Jobs

router = APIRouter(prefix="/v1", tags=["jobs"])

LIMIT = 100
"""The longest page; a longer one that is asked for is cut to this."""
SCANNED = 2000
"""Jobs that are looked at for one page; when few of them fit it is short, and `next` goes on below them."""
LONGEST_WAIT_SECONDS = 60
_WAIT = re.compile(r"(?:^|[,;\s])wait\s*=\s*\"?(\d{1,9})\"?")
_FILTER = re.compile(r"metadata\[(.*)\]")
_METADATA = {"name": "metadata", "in": "query", "style": "deepObject", "explode": True,
             "description": "`metadata[k]=v`: only jobs whose metadata have this value",
             "schema": {"type": "object", "additionalProperties": {"type": "string"}}}  # fmt: skip


@router.get(
    "/jobs",
    dependencies=reads,
    response_model=JobList,
    openapi_extra={"parameters": [_METADATA]},
    responses=documented("unauthenticated", "forbidden", "invalid", "store_unavailable"),
)
def list_jobs(
    request: Request,
    services: ServicesDep,
    key: CallerDep,
    limit: Annotated[int, Query(ge=1, description=f"at most {LIMIT}; more is taken as {LIMIT}")] = 20,
    after: Annotated[str | None, Query(max_length=64, description="`next` of the page before")] = None,
    status: Status | None = None,
) -> Any:
    """List jobs, newest first.

    A page may be short or empty while there is a `next`: only so many jobs are looked through for what you ask for.
    """
    filters = ((_FILTER.fullmatch(name), value) for name, value in request.query_params.items())
    wanted = {match[1]: value for match, value in filters if match}

    def fits(job: Job) -> bool:
        return key.owns(job.owner) and wanted.items() <= job.spec["metadata"].items()

    limit = min(limit, LIMIT)
    found, below = _page(services.jobs.newest(limit + 1, below_cursor(after), status), limit, fits)
    shown = [services.forecast.view(job) for job in found]
    total = None if wanted else _total(services.jobs, key, status)
    page = JobList(data=shown, has_more=below is not None, next=cursor(below), total=total)
    return Response(page.model_dump_json(), media_type="application/json")


def _total(jobs: Jobs, key: Key, status: Status | None) -> int:
    """Return the number of this key's jobs with a status (None: with any)."""
    if key.owns(None):  # all jobs are its own
        return sum(map(jobs.count, Status)) if status is None else jobs.count(status)
    return sum(key.owns(owner) for _, (_, owner) in jobs.fields(jobs.ids(status), "name", "owner"))


def _page(jobs: Iterable[tuple[int, Job]], limit: int, fits: Callable[[Job], bool]) -> tuple[list[Job], int | None]:
    """Return up to `limit` jobs that fit, and the number that the next one is below; None when there is none."""
    found: list[Job] = []
    last = None
    for looked, (number, job) in enumerate(jobs):
        wanted = fits(job)
        if looked == SCANNED or (wanted and len(found) == limit):
            return found, last
        if wanted:
            found.append(job)
        last = number
    return found, None


def cursor(below: int | None) -> str | None:
    """Return the cursor of the page below a number."""
    return None if below is None else base64.urlsafe_b64encode(str(below).encode()).decode().rstrip("=")


def below_cursor(cursor: str | None) -> int | None:
    """Return the number that a page goes on below. Raises Problem `invalid`."""
    if not cursor:
        return None
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        if re.fullmatch(r"\d{1,16}", text):
            return int(text)
    except ValueError:
        pass
    raise fault("#/query/after", "unknown_cursor", f"{cursor[:64]!r} is not a cursor; take `next` of the page before")


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
    shown = await run_in_threadpool(services.forecast.view, job) if plays else services.forecast.view(job)
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
