"""The list of webhooks that are still to be called; a call survives the process that makes it."""

import time

from dualtrain.core.store import keys
from dualtrain.core.store.connection import Server

_CLAIM = """
local at = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not at or tonumber(at) > tonumber(ARGV[2]) then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('ZREM', KEYS[1], ARGV[1]) return 0 end
redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
return redis.call('HINCRBY', KEYS[2], 'webhook_attempts', 1)
"""


class Webhooks:
    """Each due call is claimed by one process at a time; what a process dies with comes up again."""

    def __init__(self, store: Server) -> None:
        self._store = store
        self._claim = store.register_script(_CLAIM)

    def due(self, first: int, count: int) -> list[str]:
        """Return `count` jobs whose calls are due, from the place `first` on; the longest due come first."""
        job_ids = self._store.zrangebyscore(keys.WEBHOOKS, "-inf", time.time(), start=first, num=count)
        return [job_id.decode() for job_id in job_ids]

    def claim(self, job_id: str, seconds: float) -> int:
        """Return the number of this attempt (from 1) to make a call, which is due again after `seconds`.

        Returns 0 when the call is not due, or its job was deleted: then it is off the list.
        """
        now = time.time()
        return int(self._claim(keys=[keys.WEBHOOKS, keys.job(job_id)], args=[job_id, now, now + seconds]))

    def pending(self) -> set[str]:
        """Return the jobs whose calls are not over."""
        return {job_id.decode() for job_id in self._store.zrange(keys.WEBHOOKS, 0, -1)}

    def again(self, job_id: str, seconds: float) -> None:
        """Let a call be due after `seconds`."""
        self._store.zadd(keys.WEBHOOKS, {job_id: time.time() + seconds}, xx=True)

    def done(self, job_id: str) -> None:
        """Take a call off the list."""
        self._store.zrem(keys.WEBHOOKS, job_id)
