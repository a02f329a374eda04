"""The worker's Celery app with one more task that does nothing: `celery -A benchmarks.empty_task worker`."""

from functools import cache

from dualtrain.core.settings import Settings
from dualtrain.core.store import RedisClient, connect
from dualtrain.worker.app import app

PUSH = "benchmarks.push"
EIGHT_BYTES = b"8 bytes."


@cache
def server() -> RedisClient:
    """This process's connection to the exchange."""
    return connect(Settings().exchange_url)


@app.task(name=PUSH, ignore_result=True)  # type: ignore[untyped-decorator]
def push(key: str) -> None:
    """Answer with eight bytes."""
    server().rpush(key, EIGHT_BYTES)
