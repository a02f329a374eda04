"""Server-sent events: what was kept since the listener was last here, then what happens, without a seam."""

import re
from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import APIRouter, Depends, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent
from starlette.concurrency import run_in_threadpool

from dualtrain.api.dependencies import CallerDep, JobDep, ServicesDep, reads, stream_slot
from dualtrain.api.errors.problems import documented
from dualtrain.api.errors.validation import fault
from dualtrain.api.events.broadcast import Listener, Message
from dualtrain.api.services import Services
from dualtrain.core.job import ENDED, Status
from dualtrain.core.store import Event, UnknownJob, replay

router = APIRouter(prefix="/v1", tags=["events"], dependencies=reads)

RECONNECT_MILLISECONDS = 1000
PAGE = 200
"""Events that are read at once: a client that reads slowly must not hold all that is kept in memory."""
stream = Depends(stream_slot)
GAP = "some events after your Last-Event-ID are no longer kept; read the job and its history again"
_ID = re.compile(r"[0-9]{1,15}-[0-9]{1,15}")
_PROBLEMS = documented("unauthenticated", "forbidden", "invalid", "too_many_streams", "store_unavailable")
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


@router.get("/jobs/{job_id}/events", response_class=EventSourceResponse, responses=_JOB_PROBLEMS, dependencies=[stream])
async def job_events(
    services: ServicesDep, key: CallerDep, job: JobDep, last_id: LastId
) -> AsyncIterator[ServerSentEvent]:
    """Follow the events of a job.

    They are `status`, `step` (at most 5 a second), `evaluation` and `retry`; `done` is the last. Without
    `Last-Event-ID` the stream begins with all events that are kept. `gap` says that events in between are no longer
    kept.
    """
    yield ServerSentEvent(retry=RECONNECT_MILLISECONDS, comment=f"events of {job.id}")
    with services.fanout.listen(job.id) as listener:
        await services.fanout.begun()
        status = await run_in_threadpool(services.jobs.status, job.id)
        over = status is None or status in ENDED
        async for message in _joined(_kept(services, job.id, last_id or "-"), listener, last_id, over):
            current = services.current(key)
            if current is None or not current.owns(job.owner):
                return
            if message is None:
                yield _gap()
                continue
            yield message.sent
            if not over and (end := await run_in_threadpool(_end, services, message.event)):
                status, over = end, True
                break
    if over:
        yield ServerSentEvent(event="done", data={"job_id": job.id, "status": status or "deleted"})


@router.get("/events", response_class=EventSourceResponse, responses=_PROBLEMS, dependencies=[stream])
async def all_events(services: ServicesDep, key: CallerDep, last_id: LastId) -> AsyncIterator[ServerSentEvent]:
    """Follow the events of all jobs of the caller in one stream.

    It begins now, or after `Last-Event-ID`.
    """
    yield ServerSentEvent(retry=RECONNECT_MILLISECONDS, comment="events of all jobs")
    owners: dict[str, str | None] = {}
    with services.fanout.listen() as listener:
        await services.fanout.begun()
        kept = _kept(services, None, last_id) if last_id else _nothing()
        async for message in _joined(kept, listener, last_id, False):
            current = services.current(key)
            if current is None:
                return
            if message is None:
                yield _gap()
                continue
            job_id = message.event.job_id
            if not current.owns(None) and job_id not in owners:
                owners[job_id] = await run_in_threadpool(_owner, services, job_id)
            if current.owns(owners.get(job_id)):
                yield message.sent


async def _kept(services: Services, job_id: str | None, after: str) -> AsyncIterator[Event | None]:
    """Yield the kept events above the id `after`, page by page as they are sent; None where some are missing."""
    while True:
        events, lost = await run_in_threadpool(replay, services.store, job_id, after, PAGE)
        if lost:
            yield None
        for event in events:
            yield event
        if len(events) < PAGE:
            return
        after = events[-1].id


async def _nothing() -> AsyncIterator[Event | None]:
    return
    yield


async def _joined(
    kept: AsyncIterator[Event | None], listener: Listener, last_id: str | None, over: bool
) -> AsyncIterator[Message | None]:
    """Yield kept events, then, unless it is over, those of the listener that come after them and after `last_id`."""
    newest = _order(last_id) if last_id else (0, 0)
    async for event in kept:
        yield Message.of(event) if event else None
        newest = _order(event.id) if event else newest
    while not over:
        message = await listener.next()
        if message is None:
            return  # too slow, or the service stops: the client reconnects with its last id
        if _order(message.event.id) > newest:
            yield message


def _owner(services: Services, job_id: str) -> str | None:
    """Return whose a job is; of a deleted one, nobody's."""
    try:
        return services.jobs.owner(job_id)
    except UnknownJob:
        return None


def _end(services: Services, event: Event) -> Status | None:
    """Return the status that an event ends its job with; None when it does not, or the job was queued again."""
    status = event.data.get("status") if event.type == "status" else None
    if status not in ENDED:
        return None
    try:
        job = services.jobs.get(event.job_id)
    except UnknownJob:
        return Status(status)
    return job.status if job.status in ENDED and job.finished_at == event.data.get("at") else None


def _order(event_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = event_id.partition("-")
    return int(milliseconds), int(sequence)


def _gap() -> ServerSentEvent:
    return ServerSentEvent(event="gap", data={"message": GAP})
