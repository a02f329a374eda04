"""Sessions of the page and request counts of API keys. Asynchronous."""

import hashlib
import math
import secrets
import time

from dualtrain.core.store import keys
from dualtrain.core.store.connection import RedisClient, ServerFull

SESSION_SECONDS = 12 * 3600
_MINUTE = 60

# The last 60 s are this minute and the part of the one before that the window still covers, as if its requests had come
# evenly. Refused requests do not count. Returns {accepted, count of this minute, count of the one before}.
_COUNT = """
local current = tonumber(redis.call('GET', KEYS[1]) or 0)
local previous = tonumber(redis.call('GET', KEYS[2]) or 0)
if current + previous * tonumber(ARGV[1]) >= tonumber(ARGV[2]) then return {0, current, previous} end
redis.call('INCR', KEYS[1])
redis.call('EXPIRE', KEYS[1], 180)
return {1, current, previous}
"""


class Access:
    """Sessions and request counts in the store, the same for every process of the API."""

    def __init__(self, store: RedisClient) -> None:
        self._store = store
        self._count = store.register_script(_COUNT)

    async def open_session(self, key_sha256: str) -> str:
        """Return the secret of a new session that stands for an API key."""
        secret = secrets.token_urlsafe(32)
        await self._store.set(_session(secret), key_sha256, ex=SESSION_SECONDS)
        return secret

    async def session(self, secret: str) -> str | None:
        """Return the hash of the key that a session stands for, None when it ended."""
        sha256 = await self._store.get(_session(secret))
        return sha256.decode() if sha256 else None

    async def close_session(self, secret: str) -> None:
        """End a session."""
        await self._store.delete(_session(secret))

    async def count(self, owner: str, limit: int) -> int:
        """Count one request of a key, at most `limit` in any 60 s. A full store counts none.

        Returns 0 when the request is accepted, else the seconds after which the next one will be.
        """
        minute, seconds = divmod(time.time(), _MINUTE)
        names = [keys.requests(owner, int(minute)), keys.requests(owner, int(minute) - 1)]
        try:
            accepted, current, previous = await self._count(keys=names, args=[1 - seconds / _MINUTE, limit])
        except ServerFull:
            return 0
        return 0 if accepted else _wait_seconds(limit, current, previous, seconds)


def _wait_seconds(limit: int, current: int, previous: int, seconds: float) -> int:
    """Return when the window has room again, `seconds` after the present minute began."""
    if current >= limit:  # not before the next minute, in which this one's requests count by their part of the window
        return _wait_seconds(limit, 0, current, seconds - _MINUTE)
    free_at = _MINUTE * (1 - (limit - current) / previous)
    return max(1, math.ceil(free_at - seconds))


def _session(secret: str) -> str:
    return keys.session(hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest())
