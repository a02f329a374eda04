"""Small documents beside the jobs: history, the newest evaluation, aliases."""

import json
from typing import Any, NamedTuple

from dualtrain.core.job import is_id
from dualtrain.core.store import keys
from dualtrain.core.store.connection import Server
from dualtrain.core.store.leases import Lease

HISTORY_POINTS = 2000
"""Points that are kept of a job's history; at the limit every second one that is no evaluation goes."""


_REPLACE = """
if redis.call('GET', KEYS[2]) ~= ARGV[1] then return end
redis.call('DEL', KEYS[1])
for i = 2, #ARGV do redis.call('RPUSH', KEYS[1], ARGV[i]) end
"""


class Target(NamedTuple):
    """The job whose model a name means, at a step; None: at its newest checkpoint."""

    job_id: str
    step: int | None


class Documents:
    """History, evaluations and aliases in the store."""

    def __init__(self, store: Server) -> None:
        self._store = store
        self._replace = store.register_script(_REPLACE)

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """Return the points of a job's history, by step."""
        return [json.loads(point) for point in self._store.lrange(keys.history(job_id), 0, -1)]

    def thin(self, lease: Lease) -> None:
        """Bring a history that is over the limit back under it; that of a job that was taken over is left alone."""
        history = keys.history(lease.job_id)
        if self._store.llen(history) > HISTORY_POINTS:
            points = map(json.dumps, thinned(self.history(lease.job_id)))
            self._replace(keys=[history, keys.token(lease.job_id)], args=[lease.token, *points])

    def evaluation(self, job_id: str) -> dict[str, Any] | None:
        """Return the newest evaluation, None before the first."""
        found = self._store.hget(keys.job(job_id), "evaluation")
        return json.loads(found) if found else None

    def alias(self, name: str) -> dict[str, Any] | None:
        """Return what an alias names, None when there is no such alias."""
        found = self._store.hget(keys.ALIASES, name)
        return json.loads(found) if found else None

    def aliases(self) -> dict[str, dict[str, Any]]:
        """Return all aliases."""
        return {name.decode(): json.loads(value) for name, value in self._store.hgetall(keys.ALIASES).items()}

    def target(self, name: str) -> Target:
        """Return what a job's id or an alias means; there need not be such a job.

        What has the form of an id means that job, whatever aliases there are: nobody can take its name from it.
        """
        alias = None if is_id(name) else self.alias(name)
        return Target(alias["job_id"], alias.get("step")) if alias else Target(name, None)

    def put_alias(self, name: str, value: dict[str, Any]) -> None:
        """Let an alias name something, whatever it named before."""
        self._store.hset(keys.ALIASES, name, json.dumps(value))

    def remove_alias(self, name: str) -> None:
        """Forget an alias, if there is one."""
        self._store.hdel(keys.ALIASES, name)


def thinned(points: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return about half of `points` with the first and the last; evaluations go only when they alone are too many."""
    plain = [i for i, point in enumerate(points) if point.get("test_accuracy") is None]
    removable = plain if len(points) - len(plain) < HISTORY_POINTS // 2 else list(range(len(points)))
    gone = set(removable[1:-1:2])
    return [point for i, point in enumerate(points) if i not in gone]
