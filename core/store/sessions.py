"""What the API remembers of its callers: sessions of the page, and how often a key asked. Asynchronous."""

import hashlib
import secrets
import time

from dualtrain.core.store import keys
from dualtrain.core.store.connection import Server, ServerFull

SESSION_SECONDS = 12 * 3600


class Access:
    """Sessions and request counts in the store, the same for every process of the API."""

    def __init__(self, store: Server) -> None:
        self._store = store

    async def open_session(self, key_sha256: str) -> str:
        """Return the secret of a new session that stands for an API key."""
        secret = secrets.token_urlsafe(32)
        await self._store.set(_session(secret), key_sha256, ex=SESSION_SECONDS)
        return secret

    async def session(self, secret: str) -> str | None:
        """Return the hash of the key that a session stands for, None when it ended."""
        found = await self._store.get(_session(secret))
        return found.decode() if found else None

    async def close_session(self, secret: str) -> None:
        """End a session."""
        await self._store.delete(_session(secret))

    async def count(self, owner: str) -> int:
        """Count one request; return how many there were in the present minute. A full store counts none."""
        name = keys.requests(owner, int(time.time() // 60))
        async with self._store.pipeline(transaction=False) as pipe:
            pipe.incr(name).expire(name, 120)
            try:
                found = await pipe.execute()
            except ServerFull:
                return 0
        return int(found[0])


def _session(secret: str) -> str:
    return keys.session(hashlib.sha256(secret.encode("utf-8", "surrogateescape")).hexdigest())
