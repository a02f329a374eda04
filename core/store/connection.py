"""Connections to Redis servers."""

from typing import Any, TypeAlias

import redis
import redis.asyncio
from redis.asyncio.retry import Retry as AsyncRetry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError, TimeoutError
from redis.exceptions import OutOfMemoryError as ServerFull
from redis.exceptions import RedisError as ServerError
from redis.exceptions import ResponseError as ServerRefusal
from redis.retry import Retry

__all__ = ["RedisClient", "ServerAway", "ServerError", "ServerFull", "ServerRefusal", "connect", "connect_async"]

RedisClient: TypeAlias = Any
"""A client of redis-py that answers bytes. redis-py's own annotations say `bytes | str` of every answer."""

ServerAway = (ConnectionError, TimeoutError)
"""Errors of a command that did not reach its server, or was not answered."""
CONNECT_SECONDS = 2.0
CONNECTIONS = 64
REPLY_SECONDS = 5.0
"""A server that does not reply for this long counts as unavailable; the longest blocking read waits 3 s."""


def connect(url: str) -> RedisClient:
    """Return a client for `url` (`redis://`, `rediss://` or `unix://`) that answers bytes. Opens no connection yet.

    A command that fails with the connection is tried again once on a new one: every script here may run twice.
    """
    return redis.Redis.from_url(
        url,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=REPLY_SECONDS,
        health_check_interval=10,
        retry=Retry(ExponentialBackoff(cap=0.2, base=0.02), 1),
    )


def connect_async(url: str) -> redis.asyncio.Redis:
    """Return an asynchronous client for `url`, for what waits on an event loop. Opens no connection yet."""
    retry = AsyncRetry(ExponentialBackoff(cap=0.2, base=0.02), 1)
    pool = redis.asyncio.BlockingConnectionPool.from_url(
        url,
        max_connections=CONNECTIONS,
        socket_connect_timeout=CONNECT_SECONDS,
        socket_timeout=REPLY_SECONDS,
        retry=retry,
    )
    return redis.asyncio.Redis.from_pool(pool)
