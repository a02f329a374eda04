"""Contract of aggregator and workers on Celery's queue; neither the queue nor its server keeps any state."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Any, NamedTuple

from dualtrain.core.store import keys

QUEUE = "dualtrain-shards"
TASK = "dualtrain.compute"
QUEUE_TYPE = "quorum"
"""Type of the queue on RabbitMQ: replicated, and the only durable type that is not deprecated."""


class Kind(StrEnum):
    """Kind of a task's result."""

    SHARD = "shard"
    BUNDLE = "bundle"
    EVALUATION = "evaluation"


class Task(NamedTuple):
    """One of the `shards` tasks that follow the state of `job` at `step`, asked for by the holder of `token`.

    A shard has the units `first <= unit < last` of the round; a bundle the rounds from step `first` up to step `last`;
    an evaluation is of the state itself, and its range is empty.
    """

    job: str
    token: int
    step: int
    shard: int
    shards: int
    kind: Kind
    first: int
    last: int

    def arguments(self) -> tuple[Any, ...]:
        """Return the positional arguments of the Celery task."""
        return tuple(self)

    @classmethod
    def parse(cls, arguments: Sequence[Any]) -> "Task":
        """Read `arguments`. Raises ValueError for any others."""
        job, token, step, shard, shards, kind, first, last = arguments
        return cls(str(job), int(token), int(step), int(shard), int(shards), Kind(kind), int(first), int(last))


def is_redis(url: str) -> bool:
    """Return whether a broker's URL names a Redis server."""
    return url.startswith(("redis", "unix"))


def transport_options(url: str) -> dict[str, Any]:
    """Return kombu's options for a broker: half-open connections end, and Redis keys carry the project's name."""
    if not is_redis(url):
        return {}
    # A worker whose connection is half open notices after 1 s + 2 intervals.
    waits = {"socket_timeout": 30, "socket_connect_timeout": 4, "health_check_interval": 3}
    keepalive = {} if "socket" in url.split(":", 1)[0] else {"socket_keepalive": True}
    return {**waits, **keepalive, "global_keyprefix": keys.CELERY, "visibility_timeout": 600}
