"""Server-sent events: what was kept since the listener was last here, then what happens, without a seam."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from dualtrain.api.broadcast import Listener, Message
from dualtrain.api.dependencies import CallerDep, JobDep, ServicesDep, reads
from dualtrain.api.errors.problems import documented
from dualtrain.api.errors.validation import fault
from dualtrain.api.services import Services
from dualtrain.core.job import ENDED, Status
from dualtrain.core.store import Event, UnknownJob, replay

router = APIRouter(prefix="/v1", tags=["events"], dependencies=reads)

RECONNECT_MILLISECONDS = 1000
GAP = "events after your Last-Event-ID are no longer kept; read the job and its history anew"
_ID = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")
_PROBLEMS = documented("unauthenticated", "forbidden", "invalid", "store_unavailable")
_JOB_PROBLEMS = {**_PROBLEMS, **documented("job_not_found")}


async def last_event_id(
    value: Annotated[str | None, Header(alias="Last-Event-ID", max_length=64, examples=["1795394706123-0"])] = None,
) -> str | None:
    """Return the id that the listener saw last, None on its first visit."""
    if value and not _ID.fullmatch(value):
        raise fault(
            "#/header/Last-Event-ID",
            "unknown_event_id",
            f"{value[:64]!r} is no id of an event; send that of the last one you saw, or none",
        )
    return value or None


LastId = Annotated[str | None, Depends(last_event_id)]


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, responses=_JOB_PROBLEMS)
async def job_events(
    services: ServicesDep, key: CallerDep, job: JobDep, last_id: LastId
) -> AsyncIterator[ServerSentEvent]:
    """Follow a job: `status`, `step` (at most 5 a second), `evaluation`, `retry`; `done` is the last.

    Without `Last-Event-ID` it begins with all that is kept. `gap` tells that events were lost in between.
    """
    yield ServerSentEvent(retry=RECONNECT_MILLISECONDS, comment=f"events of {job.id}")
    with services.fanout.listen(job.id) as listener:
        await services.fanout.begun()
        status = await run_in_threadpool(services.jobs.status, job.id)
        kept, lost = await run_in_threadpool(replay, services.store, job.id, last_id or "-")
        if lost:
            yield _gap()
        over = status is None or status in ENDED
        async for message in _joined(kept, listener, last_id, over):
            if not services.knows(key):
                return
            yield message.sent
            if _end(message.event):
                status, over = _end(message.event), True
                break
    if over:
        yield ServerSentEvent(event="done", data={"job_id": job.id, "status": status or "deleted"})


@router.get("/events", response_class=EventSourceResponse, responses=_PROBLEMS)
async def all_events(services: ServicesDep, key: CallerDep, last_id: LastId) -> AsyncIterator[ServerSentEvent]:
    """Follow all jobs of the caller in one stream: from now on, or from after `Last-Event-ID`."""
    yield ServerSentEvent(retry=RECONNECT_MILLISECONDS, comment="events of all jobs")
    owners: dict[str, str | None] = {}
    with services.fanout.listen() as listener:
        await services.fanout.begun()
        kept, lost = await run_in_threadpool(replay, services.store, None, last_id) if last_id else ([], False)
        if lost:
            yield _gap()
        async for message in _joined(kept, listener, last_id, False):
            if not services.knows(key):
                return
            job_id = message.event.job_id
            if not key.owns(None) and job_id not in owners:
                owners[job_id] = await run_in_threadpool(_owner, services, job_id)
            if key.owns(owners.get(job_id)):
                yield message.sent


async def _joined(kept: list[Event], listener: Listener, last_id: str | None, over: bool) -> AsyncIterator[Message]:
    """Yield kept events, then, unless it is over, those of the listener that come after them and after `last_id`."""
    newest = _order(last_id) if last_id else (0, 0)
    for event in kept:
        yield Message.of(event)
        newest = _order(event.id)
    while not over:
        message = await listener.next()
        if message is None:
            return  # too slow, or the service stops: the listener comes back with its last id
        if _order(message.event.id) > newest:
            yield message


def _owner(services: Services, job_id: str) -> str | None:
    """Return whose a job is; of a deleted one, nobody's."""
    try:
        return services.jobs.owner(job_id)
    except UnknownJob:
        return None


def _end(event: Event) -> Status | None:
    """Return the status that an event ends its job with, None when it does not."""
    status = event.data.get("status") if event.type == "status" else None
    return Status(status) if status in ENDED else None


def _order(event_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence)


def _gap() -> ServerSentEvent:
    return ServerSentEvent(event="gap", data={"message": GAP})
