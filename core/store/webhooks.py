"""The list of webhooks that are still to be called; a call survives the process that makes it."""

import time

from dualtrain.core.store import keys
from dualtrain.core.store.connection import Server

_CLAIM = """
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', 0, 1)[1]
if not due then return false end
if redis.call('EXISTS', ARGV[3] .. due) == 0 then redis.call('ZREM', KEYS[1], due) return {due, 0} end
redis.call('ZADD', KEYS[1], ARGV[2], due)
return {due, redis.call('HINCRBY', ARGV[3] .. due, 'webhook_attempts', 1)}
"""


class Webhooks:
    """Each due call is claimed by one process at a time; what a process dies with comes up again."""

    def __init__(self, store: Server) -> None:
        self._store = store
        self._claim = store.register_script(_CLAIM)

    def claim(self, seconds: float) -> tuple[str, int] | None:
        """Return a job whose call is due, with the number of this attempt (from 1); it is due again after `seconds`.

        A job that was deleted meanwhile is taken off the list; its attempt is 0.
        """
        now = time.time()
        found = self._claim(keys=[keys.WEBHOOKS], args=[now, now + seconds, keys.job("")])
        return (found[0].decode(), int(found[1])) if found else None

    def pending(self) -> set[str]:
        """Return the jobs whose calls are not over."""
        return {job_id.decode() for job_id in self._store.zrange(keys.WEBHOOKS, 0, -1)}

    def again(self, job_id: str, seconds: float) -> None:
        """Let a call be due after `seconds`."""
        self._store.zadd(keys.WEBHOOKS, {job_id: time.time() + seconds}, xx=True)

    def done(self, job_id: str) -> None:
        """Take a call off the list."""
        self._store.zrem(keys.WEBHOOKS, job_id)
