"""What aggregator and workers agree on about Celery's queue; neither the queue nor its server keeps anything."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from dualtrain.core.store import keys

QUEUE = "dualtrain-shards"
SHARD_TASK = "dualtrain.shard"
QUEUE_TYPE = "quorum"
"""What the queue is on RabbitMQ: replicated, and the one kind of durable queue that is there to stay."""


class ShardTask(NamedTuple):
    """Units `first <= unit < last` of the round of `job` that begins at `step`, asked for by the holder of `token`.

    So many further shards of the round are `offered` on the exchange, to whoever is done with this one.
    """

    job: str
    token: int
    step: int
    shard: int
    shards: int
    first: int
    last: int
    offered: int = 0

    def arguments(self) -> tuple[Any, ...]:
        """Return the positional arguments of the task."""
        return tuple(self)

    @classmethod
    def parse(cls, arguments: Sequence[Any]) -> "ShardTask":
        """Read `arguments`."""
        return cls(str(arguments[0]), *(int(number) for number in arguments[1:]))


def is_redis(url: str) -> bool:
    """Return whether a broker's URL names a Redis server."""
    return url.startswith(("redis", "unix"))


def transport_options(url: str) -> dict[str, Any]:
    """Return kombu's options for a broker: half-open connections end, and Redis keys carry the project's name."""
    if not is_redis(url):
        return {}
    # A worker whose connection is half open notices after 1 s + 2 intervals.
    waits = {"socket_timeout": 30, "socket_connect_timeout": 4, "health_check_interval": 3}
    kept = {} if "socket" in url.split(":", 1)[0] else {"socket_keepalive": True}
    return {**waits, **kept, "global_keyprefix": keys.CELERY, "visibility_timeout": 600}
