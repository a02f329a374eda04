"""Deliveries of webhooks: made by the scripts that change jobs, and called until they arrive or are given up."""

import json
import time
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient
from dualtrain.core.store.scripts import ALLOW_OOM

_CLAIM = """
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) > tonumber(ARGV[3]) then return 0 end
local entry = redis.call('HGET', KEYS[2], ARGV[2])
if not entry then redis.call('ZREM', KEYS[1], ARGV[1]) return 0 end
redis.call('ZADD', KEYS[1], ARGV[4], ARGV[1])
local delivery = cjson.decode(entry)
delivery.attempts = delivery.attempts + 1
delivery.attempted = tonumber(ARGV[3])
redis.call('HSET', KEYS[2], ARGV[2], cjson.encode(delivery))
return delivery.attempts
"""

# Also in a store that is full: a call that was made must not be made again for that.
_FINISH = f"""{ALLOW_OOM}
local entry = redis.call('HGET', KEYS[2], ARGV[2])
if not entry then redis.call('ZREM', KEYS[1], ARGV[1]) return 0 end
local delivery = cjson.decode(entry)
delivery.state, delivery.outcome = ARGV[3], ARGV[4]
if ARGV[3] == 'pending' then redis.call('ZADD', KEYS[1], ARGV[5], ARGV[1]) else redis.call('ZREM', KEYS[1], ARGV[1]) end
if ARGV[6] == 'afresh' then delivery.attempts = 0 end
redis.call('HSET', KEYS[2], ARGV[2], cjson.encode(delivery))
return 1
"""


class Delivery(BaseModel):
    """One event of a job for its webhook. Times are Unix times in seconds.

    `state` is `pending`, `delivered`, `refused` (the address must not be called) or `given_up`.
    """

    model_config = ConfigDict(frozen=True)

    name: str
    type: str
    data: str = Field("", description="JSON of the event; empty where the job itself is sent")
    created: float
    state: str = "pending"
    attempts: int = 0
    attempted: float | None = None
    outcome: str = ""


class Webhooks:
    """Each due call is claimed by one process at a time; what a process dies with comes up again."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._claim = store.register_script(_CLAIM)
        self._finish = store.register_script(_FINISH)

    def due(self, first: int, count: int) -> list[tuple[str, str]]:
        """Return job and name of `count` deliveries that are due, from the place `first` on; the longest due first."""
        members = self._store.zrangebyscore(keys.WEBHOOKS, "-inf", time.time(), start=first, num=count)
        return [_parts(member) for member in members]

    def claim(self, job_id: str, name: str, seconds: float) -> int:
        """Return the number of this attempt (from 1) to deliver, which is due again after `seconds`.

        Returns 0 when the call is not due, or its job was deleted: then it is off the list.
        """
        now = time.time()
        arguments = [f"{job_id}/{name}", name, now, now + seconds]
        return int(self._claim(keys=[keys.WEBHOOKS, keys.deliveries(job_id)], args=arguments))

    def pending(self) -> set[str]:
        """Return the jobs that have calls which are not over."""
        return {_parts(member)[0] for member in self._store.zrange(keys.WEBHOOKS, 0, -1)}

    def get(self, job_id: str, name: str) -> Delivery | None:
        """Return a delivery, None when there is none."""
        entry = self._store.hget(keys.deliveries(job_id), name)
        return None if entry is None else Delivery(name=name, **json.loads(entry))

    def list(self, job_id: str) -> list[Delivery]:
        """Return the deliveries of a job, oldest first."""
        records = self._store.hgetall(keys.deliveries(job_id))
        deliveries = (Delivery(name=name.decode(), **json.loads(entry)) for name, entry in records.items())
        return sorted(deliveries, key=lambda delivery: delivery.created)

    def again(self, job_id: str, name: str, seconds: float, outcome: str) -> None:
        """Let a call be due after `seconds`."""
        self._write(job_id, name, "pending", outcome, time.time() + seconds)

    def done(self, job_id: str, name: str, state: str, outcome: str) -> None:
        """Take a call off the list."""
        self._write(job_id, name, state, outcome)

    def send_again(self, job_id: str, name: str) -> bool:
        """Let a delivery be due now, with all attempts before it; return whether there is such a delivery."""
        return self._write(job_id, name, "pending", "", 0.0, "afresh")

    def _write(self, job_id: str, name: str, state: str, outcome: str, due: float = 0.0, mode: str = "") -> bool:
        arguments: list[Any] = [f"{job_id}/{name}", name, state, outcome, due, mode]
        return bool(self._finish(keys=[keys.WEBHOOKS, keys.deliveries(job_id)], args=arguments))


def _parts(member: bytes) -> tuple[str, str]:
    job_id, _, name = member.decode().partition("/")
    return job_id, name
