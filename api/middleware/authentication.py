"""Callers: the API key of each request, by its `Authorization` header or its session."""

import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dualtrain.api.middleware.request_context import adopt_request_id
from dualtrain.api.security import ANYONE, Key, Keys, NotOnLoopback, Unauthenticated, UnknownKey, count_request
from dualtrain.core.runtime.hosts import is_loopback
from dualtrain.core.store import Access

ALIVE = "/livez"
"""Liveness must not depend on the store, nor on the caller."""
OPEN = re.compile(r"^(/livez|/readyz|/|/static/.*|/v1/session|/v2/health/(live|ready))$")
"""Addresses that need no key."""
ANONYMOUS = Key(name="anonymous", sha256="0" * 64, scopes=frozenset())


class Authentication:
    """Finds the key of each request (`state["key"]`) and refuses those that need one and have none."""

    def __init__(self, app: ASGIApp, keys: Keys | None, access: Access) -> None:
        self._app = app
        self._keys = keys
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            key = await self._key(scope)
            scope["state"]["key"] = key
            if key is not ANONYMOUS:
                adopt_request_id(scope)
        await self._app(scope, receive, send)

    async def _key(self, scope: Scope) -> Key:
        if self._keys is None:
            _require_loopback(scope)
            return ANYONE
        if scope["path"] == ALIVE:
            return ANONYMOUS
        key = await self._known(self._keys, scope)
        if key is None and not OPEN.fullmatch(scope["path"]):
            raise Unauthenticated("send `Authorization: Bearer KEY`")
        return key or ANONYMOUS

    async def _known(self, keys: Keys, scope: Scope) -> Key | None:
        """Return the key of the request or of its session. Raises UnknownKey for a wrong key."""
        scheme, _, token = Headers(scope=scope).get("authorization", "").partition(" ")
        if scheme:
            key = keys.of_token(token.strip()) if scheme.lower() == "bearer" else None
            if key is None:
                raise UnknownKey
            return key
        secret = scope["state"]["session"]
        digest = await self._access.session(secret) if secret else None
        return keys.of_digest(digest) if digest else None


class RateLimit:
    """Counts each request of a key that has a limit, and refuses those above it."""

    def __init__(self, app: ASGIApp, access: Access) -> None:
        self._app = app
        self._access = access

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            await count_request(self._access, scope["state"]["key"])
        await self._app(scope, receive, send)


def _require_loopback(scope: Scope) -> None:
    server = scope.get("server")
    if server and server[1] is not None and not is_loopback(server[0]):
        raise NotOnLoopback
