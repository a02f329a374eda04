"""Jobs in the store: accepted, listed, changed. Each write is one script, so it happens whole or not at all."""

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from secrets import token_hex
from typing import Any

from dualtrain.core.job import SOURCES, Job, Reason, Status, Transition
from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.idempotency import Claim
from dualtrain.core.store.job_calls import delete_call, flat, move_call, webhook_events
from dualtrain.core.store.job_errors import Conflict, QueueFull, Superseded, UnknownJob
from dualtrain.core.store.leases import Lease, Stale
from dualtrain.core.store.scripts import COMMIT, CREATE, DELETE, TRANSITION

RANK = 1 << 40
"""Jobs per level of priority; a queue score stays an exact double."""
_OF_THE_MOMENT = {"transitions", "queue_position", "estimated_start_at", "estimated_finish_at",
                  "duration_seconds"}  # fmt: skip
"""Fields that are kept elsewhere, or found when a job is shown."""
_SUPERSEDED = 2
"""Answer of the script that creates jobs."""
_AT_ONCE = 250
"""Jobs that are read in one trip at most."""

ALWAYS = -1
"""The step of an event that is published each time, without deduplication."""


@dataclass(frozen=True)
class JobEvent:
    """An event, published once for its `step` (`ALWAYS`: each time), with the point that it adds to the history."""

    type: str
    step: int
    data: Mapping[str, Any]
    point: Mapping[str, Any] | None = None

    def packed(self) -> tuple[str, int, str, str]:
        """Return the form that the script reads."""
        return self.type, self.step, json.dumps(self.data), json.dumps(self.point) if self.point else ""


class Jobs:
    """The jobs that the store keeps."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._create = store.register_script(CREATE)
        self._transition = store.register_script(TRANSITION)
        self._commit = store.register_script(COMMIT)
        self._delete = store.register_script(DELETE)

    def create(self, job: Job, priority: int, limit: int, claim: Claim | None = None) -> None:
        """Accept a job: higher priority runs first, then first come.

        Raises QueueFull at `limit` waiting jobs, Superseded when another request has taken over the claim.
        """
        record = Transition(status=job.status, at=job.created_at)
        fields = job.model_dump(mode="json", exclude=_OF_THE_MOMENT)
        fields |= {"owner": job.owner, "webhook": webhook_events(job.spec)}
        accepted = self._create(
            keys=[
                keys.job(job.id),
                keys.JOBS,
                keys.QUEUE,
                keys.by_status(job.status),
                keys.transitions(job.id),
                keys.events(job.id),
                keys.EVENTS,
                keys.SEQUENCE,
                *([keys.sweep_jobs(job.sweep.id)] if job.sweep else []),
            ],
            args=[
                job.id,
                (9 - priority) * RANK,
                limit,
                record.model_dump_json(),
                claim.record if claim else "",
                claim.token if claim else "",
                *flat(fields),
            ],
        )
        if accepted == _SUPERSEDED:
            raise Superseded(job.id)
        if not accepted:
            raise QueueFull(f"{limit} jobs are waiting already")

    def get(self, job_id: str) -> Job:
        """Return a job. Raises UnknownJob."""
        with self._store.pipeline(transaction=True) as pipe:
            _request(pipe, job_id)
            return _complete(job_id, pipe.execute())

    def status(self, job_id: str) -> Status | None:
        """Return a job's status, None when there is no such job."""
        status = self._store.hget(keys.job(job_id), "status")
        return Status(json.loads(status)) if status else None

    def owner(self, job_id: str) -> str | None:
        """Return whose a job is, None where no keys are used. Raises UnknownJob."""
        owner = self._store.hget(keys.job(job_id), "owner")
        if owner is None:
            raise UnknownJob(job_id)
        name: str | None = json.loads(owner)
        return name

    def newest(
        self, count: int = _AT_ONCE, below: int | None = None, status: Status | None = None
    ) -> Iterator[tuple[int, Job]]:
        """Yield jobs with their numbers, those under `below`, newest first: `count` from the first trip, then more."""
        index = keys.by_status(status) if status else keys.JOBS
        top = "+inf" if below is None else f"({below}"
        while entries := self._store.zrevrangebyscore(index, top, "-inf", start=0, num=count, withscores=True):
            numbers = {identifier.decode(): int(number) for identifier, number in entries}
            for job in self.several(numbers):
                yield numbers[job.id], job
            top, count = f"({int(entries[-1][1])}", min(2 * count, _AT_ONCE)

    def oldest(self, status: Status) -> Job | None:
        """Return the job of this status that was accepted first, None when there is none."""
        identifiers = self._store.zrange(keys.by_status(status), 0, 0)
        return next(iter(self.several(identifier.decode() for identifier in identifiers)), None)

    def several(self, job_ids: Iterable[str]) -> tuple[Job, ...]:
        """Return the jobs with these ids in one trip; deleted ones are left out."""
        with self._store.pipeline(transaction=False) as pipe:
            for job_id in job_ids:
                _request(pipe, job_id)
            replies = pipe.execute()
        return tuple(_parse(*replies[i : i + 3]) for i in range(0, len(replies), 3) if replies[i])

    def fields(self, job_ids: Iterable[str], *names: str) -> Iterator[tuple[str, list[Any]]]:
        """Yield the ids of jobs with some of their fields, for looks at many of them; deleted ones are left out."""
        left = iter(job_ids)
        while ids := list(islice(left, _AT_ONCE)):
            with self._store.pipeline(transaction=False) as pipe:
                for job_id in ids:
                    pipe.hmget(keys.job(job_id), names)
                replies = pipe.execute()
            for job_id, values in zip(ids, replies, strict=True):
                if any(values):
                    yield job_id, [json.loads(value) if value else None for value in values]

    def count(self, status: Status) -> int:
        """Return how many jobs have this status."""
        return int(self._store.zcard(keys.by_status(status)))

    def ids(self, status: Status | None = None) -> list[str]:
        """Return the ids of jobs with this status, or of all, oldest first; for `queued`, first to run first."""
        index = keys.QUEUE if status is Status.QUEUED else keys.by_status(status) if status else keys.JOBS
        return [identifier.decode() for identifier in self._store.zrange(index, 0, -1)]

    def move(
        self,
        job_id: str,
        to: Status,
        reason: Reason | None = None,
        lease: Lease | None = None,
        only_from: Status | None = None,
        **fields: Any,
    ) -> None:
        """Change a job's status and write `fields` (JSON-able) with it; with `only_from`, only from that status.

        Raises UnknownJob, Conflict when the table of transitions forbids it, Stale when `lease` is not the newest.
        """
        names, arguments = move_call(job_id, to, reason, lease, only_from, fields)
        refused = self._transition(keys=names, args=arguments).decode()
        sources = SOURCES[to] if only_from is None else SOURCES[to] & {only_from}
        _raise(refused, job_id, to, sources)

    def commit(self, lease: Lease, events: Iterable[JobEvent] = (), **fields: Any) -> Status:
        """Write `fields` of the job of `lease`, publish events, return the job's status. Raises Stale, UnknownJob."""
        job_id = lease.job_id
        answer = self._commit(
            keys=[
                keys.job(job_id),
                keys.events(job_id),
                keys.EVENTS,
                keys.token(job_id),
                keys.history(job_id),
                keys.WEBHOOKS,
                keys.deliveries(job_id),
            ],
            args=[job_id, lease.token, token_hex(8), json.dumps([event.packed() for event in events]), *flat(fields)],
        ).decode()
        if answer in ("stale", "unknown"):
            _raise(answer, job_id, Status.RUNNING, SOURCES[Status.RUNNING])
        return Status(json.loads(answer))

    def count_attempt(self, lease: Lease) -> int:
        """Count that an aggregator begins to work on a job; return how many did since it last made progress."""
        return int(self._store.hincrby(keys.job(lease.job_id), "attempts", 1))

    def reset_attempts(self, lease: Lease) -> None:
        """Note that a job made progress, or was left in good order. A job that was deleted stays deleted."""
        if self._store.exists(keys.job(lease.job_id)):
            self._store.hset(keys.job(lease.job_id), "attempts", 0)

    def delete(self, job_id: str) -> None:
        """Remove an ended job with all that it left. Raises UnknownJob, Conflict when it has not ended."""
        if self.status(job_id) is None:
            raise UnknownJob(job_id)
        names, arguments = delete_call(job_id)
        refused = self._delete(keys=names, args=arguments).decode()
        if refused not in ("", "unknown"):  # it went meanwhile: by this very script, maybe, whose first answer was lost
            raise Conflict(job_id, refused, "deleted", "cancel it first")


async def read_job(store: RedisClient, job_id: str) -> Job:
    """Return a job, for who waits on an event loop: a way to a thread and back would cost more. Raises UnknownJob."""
    async with store.pipeline(transaction=True) as pipe:
        _request(pipe, job_id)
        return _complete(job_id, await pipe.execute())


def _request(pipe: Any, job_id: str) -> None:
    pipe.hgetall(keys.job(job_id)).lrange(keys.transitions(job_id), 0, -1).zrank(keys.QUEUE, job_id)


def _complete(job_id: str, answers: list[Any]) -> Job:
    fields, transitions, rank = answers
    if not fields:
        raise UnknownJob(job_id)
    return _parse(fields, transitions, rank)


def _parse(fields: Mapping[bytes, bytes], transitions: list[bytes], rank: int | None) -> Job:
    known = {name.decode(): json.loads(value) for name, value in fields.items() if name.decode() in Job.model_fields}
    position = None if rank is None else rank + 1
    return Job.model_validate(
        known | {"transitions": [json.loads(transition) for transition in transitions], "queue_position": position}
    )


def _raise(refused: str, job_id: str, target: str, sources: Iterable[Status]) -> None:
    if refused == "unknown":
        raise UnknownJob(job_id)
    if refused == "stale":
        raise Stale(f"another aggregator works on job {job_id} now")
    if refused:
        raise Conflict(job_id, refused, target, f"only a {' or '.join(sorted(sources))} job can")
