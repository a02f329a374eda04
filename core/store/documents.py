"""Small documents beside the jobs: history, the newest evaluation, aliases."""

import json
from typing import Any, NamedTuple

from dualtrain.core.job import is_id
from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient


class Target(NamedTuple):
    """The job whose model a name means, at a step; None: at its newest checkpoint."""

    job_id: str
    step: int | None


class Documents:
    """History, evaluations and aliases in the store."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store

    def history(self, job_id: str) -> list[dict[str, Any]]:
        """Return the points of a job's history, by step."""
        return [json.loads(point) for point in self._store.lrange(keys.history(job_id), 0, -1)]

    def evaluation(self, job_id: str) -> dict[str, Any] | None:
        """Return the newest evaluation, None before the first."""
        value = self._store.hget(keys.job(job_id), "evaluation")
        return json.loads(value) if value else None

    def alias(self, name: str) -> dict[str, Any] | None:
        """Return what an alias names, None when there is no such alias."""
        value = self._store.hget(keys.ALIASES, name)
        return json.loads(value) if value else None

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
