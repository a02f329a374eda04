"""Changes of a job's spec: an edit of its name, metadata or priority, and its return to the queue."""

import json
from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import Any

from dualtrain.core.job import Reason, Status, Transition
from dualtrain.core.runtime.times import now
from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.events import EMIT
from dualtrain.core.store.job_errors import Conflict, QueueFull, UnknownJob
from dualtrain.core.store.jobs import RANK
from dualtrain.core.store.scripts import ANNOUNCE, CHANGED

_ATTEMPTS = 10
"""Attempts to change a spec that others change at the same time."""

# The spec is replaced only if it is still the one that the new one was made from.
_EDIT = (
    CHANGED
    + """
local job, queue = unpack(KEYS)
local id, before, after, name, rank = unpack(ARGV)
local spec = redis.call('HGET', job, 'spec')
if not spec then return 'unknown' end
if spec ~= before and spec ~= after then return 'changed' end
if rank ~= '' and not redis.call('ZSCORE', queue, id) then return redis.call('HGET', job, 'status') end
redis.call('HSET', job, 'spec', after, 'name', name)
if rank ~= '' then redis.call('ZADD', queue, 'XX', rank + redis.call('HGET', job, 'number'), id) end
changed(id)
return ''
"""
)

# An ended job is queued again; its sweep goes on with it, and forgets the outcome that it had.
_REQUEUE = (
    EMIT
    + ANNOUNCE
    + CHANGED
    + """
local job, queue, transitions, stream, events, history, sweep, outcomes, live = unpack(KEYS)
local id, sources, rank, limit, record, by_status, mark, before, after, fields, points, sweep_id = unpack(ARGV)
local status = redis.call('HGET', job, 'status')
if not status then return 'unknown' end
if redis.call('HGET', job, 'mark') == mark then return '' end
local from = string.sub(status, 2, -2)
if not string.find(sources, '|' .. from .. '|', 1, true) then return from end
if redis.call('HGET', job, 'spec') ~= before then return 'changed' end
if redis.call('ZCARD', queue) >= tonumber(limit) then return 'full' end
local number = redis.call('HGET', job, 'number')
redis.call('HSET', job, 'mark', mark, 'spec', after, 'status', '"queued"', 'attempts', 0, unpack(cjson.decode(fields)))
redis.call('RPUSH', transitions, record)
redis.call('ZREM', by_status .. from, id)
redis.call('ZADD', by_status .. 'queued', number, id)
redis.call('ZADD', queue, rank + number, id)
if points ~= '' then
  redis.call('DEL', history)
  for _, point in ipairs(cjson.decode(points)) do redis.call('RPUSH', history, point) end
end
if sweep_id ~= '' and redis.call('EXISTS', sweep) == 1 then
  redis.call('HDEL', outcomes, id)
  redis.call('HSET', sweep, 'status', '"running"', 'finished_at', 'null')
  redis.call('SADD', live, sweep_id)
end
changed(id)
emit(events, stream, id, 'status', record)
announce(id, 'queued')
return ''
"""
)


class JobEdits:
    """Edits of jobs in the store."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._edit = store.register_script(_EDIT)
        self._requeue = store.register_script(_REQUEUE)

    def edit(self, job_id: str, changes: Mapping[str, Any]) -> None:
        """Change `name`, `metadata` or `priority` of a job's spec, the name of the job with it.

        Raises UnknownJob, Conflict for the priority of a job that does not wait.
        """
        for _ in range(_ATTEMPTS):
            before = self._spec(job_id)
            after = {**json.loads(before), **changes}
            rank = (9 - after["priority"]) * RANK if "priority" in changes else ""
            arguments = [job_id, before, json.dumps(after), json.dumps(after["name"]), rank]
            refused = self._edit(keys=[keys.job(job_id), keys.QUEUE], args=arguments).decode()
            if refused != "changed":
                break
        _raise(refused.strip('"'), job_id, "the priority can be changed only while a job waits in the queue")

    def requeue(
        self,
        job_id: str,
        spec: Mapping[str, Any],
        changes: Mapping[str, Any],
        sources: Iterable[Status],
        reason: Reason,
        limit: int,
        *,
        history: Iterable[Mapping[str, Any]] | None = None,
        sweep_id: str = "",
        **fields: Any,
    ) -> None:
        """Queue an ended job again with `changes` of its `spec`; it goes on from its last checkpoint.

        Other `fields` are written with it, and `history` replaces the job's. Raises UnknownJob, Conflict unless its
        status is one of `sources`, QueueFull at `limit` waiting jobs.
        """
        before = self._spec(job_id)
        if json.loads(before) != spec:
            raise Conflict(job_id, "changing", advice="its spec was changed meanwhile; ask again")
        after = {**spec, **changes}
        record = Transition(status=Status.QUEUED, at=now(), reason=reason)
        written = {"finished_at": None, "status_reason": reason.model_dump(), **fields}
        pairs = [part for name, value in written.items() for part in (name, json.dumps(value))]
        points = "" if history is None else json.dumps([json.dumps(point) for point in history])
        refused = self._requeue(
            keys=[
                keys.job(job_id),
                keys.QUEUE,
                keys.transitions(job_id),
                keys.events(job_id),
                keys.EVENTS,
                keys.history(job_id),
                keys.sweep(sweep_id),
                keys.sweep_outcomes(sweep_id),
                keys.LIVE_SWEEPS,
            ],
            args=[
                job_id,
                "|" + "|".join(sorted(sources)) + "|",
                (9 - after["priority"]) * RANK,
                limit,
                record.model_dump_json(),
                keys.by_status(""),
                token_hex(8),
                before,
                json.dumps(after),
                json.dumps(pairs),
                points,
                sweep_id,
            ],
        ).decode()
        if refused == "full":
            raise QueueFull(f"{limit} jobs are waiting already")
        _raise(refused, job_id, f"only a {' or '.join(sorted(sources))} job can be queued again")

    def _spec(self, job_id: str) -> str:
        """Return the JSON of a job's spec. Raises UnknownJob."""
        spec = self._store.hget(keys.job(job_id), "spec")
        if spec is None:
            raise UnknownJob(job_id)
        return str(spec.decode())


def _raise(refused: str, job_id: str, advice: str) -> None:
    if refused == "unknown":
        raise UnknownJob(job_id)
    if refused:
        raise Conflict(job_id, refused, advice=advice)
