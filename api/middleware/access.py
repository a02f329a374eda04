"""The gate: what happens to every request before its body is read. ASGI, so that streams pass through it untouched.

A request gets an id, its host and origin are checked, its caller is found by key or session, its rate is counted; its
end is logged and measured.
"""

import re
import time
from collections.abc import Awaitable, Callable, MutableMapping
from http.cookies import CookieError, SimpleCookie
from secrets import token_hex
from typing import Any

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dualtrain.api.errors.problems import Problem
from dualtrain.api.security import ANYONE, Key
from dualtrain.api.services import Services
from dualtrain.core.runtime.hosts import is_loopback
from dualtrain.core.store import ServerAway

COOKIE = "dualtrain_session"
ALIVE = "/livez"
OPEN = re.compile(r"^(/livez|/readyz|/|/static/.*|/v1/session|/v2/health/(live|ready))$")
"""Addresses that ask for no key."""
REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
HEADERS = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "cross-origin-resource-policy": "same-origin",
    "content-security-policy": "default-src 'self'; img-src 'self' data: blob:; frame-ancestors 'none'",
}


STRANGER = Key(name="stranger", sha256="0" * 64, scopes=frozenset())


class Gate:
    """The outermost layer of the application."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self._app, self._services = app, services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else token_hex(8)
        state = scope.setdefault("state", {})
        state["request_id"] = request_id
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            record = _Record(scope, send, request_id)
            try:
                state["key"] = await self._admit(scope, headers)
                await self._app(scope, receive, record.send)
            except Problem as problem:
                await problem.response(scope["path"], request_id)(scope, receive, record.send)
            finally:
                record.end(self._services)

    async def _admit(self, scope: Scope, headers: Headers) -> Key:
        services = self._services
        services.hosts.check(scope["method"], headers)
        if services.keys is None:
            _only_loopback(scope)
            return ANYONE
        if scope["path"] == ALIVE:  # it asks nobody, the store least of all
            return STRANGER
        try:
            key = await _known(services, headers)
            if key is None and not OPEN.fullmatch(scope["path"]):
                raise Problem("unauthenticated", "send `Authorization: Bearer KEY`", {"WWW-Authenticate": "Bearer"})
            if key is not None and key.requests_per_minute is not None:
                await _count(services, key, key.requests_per_minute)
        except ServerAway as error:
            raise Problem("store_unavailable", f"the store does not answer: {error}") from None
        return key or STRANGER


async def _known(services: Services, headers: Headers) -> Key | None:
    """Return the key that the request shows or its session stands for. Raises Problem when it shows a wrong one."""
    assert services.keys is not None
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme:
        key = services.keys.of_token(token.strip()) if scheme.lower() == "bearer" else None
        if key is None:
            raise Problem(
                "unauthenticated",
                "this API key is not known here; ask who runs the server for one",
                {"WWW-Authenticate": "Bearer"},
            )
        return key
    secret = cookie(headers)
    digest = await services.access.session(secret) if secret else None
    return services.keys.of_digest(digest) if digest else None


async def _count(services: Services, key: Key, limit: int) -> None:
    if await services.access.count(key.name) > limit:
        wait = str(60 - int(time.time()) % 60)
        raise Problem("rate_limited", f"key {key.name!r} may ask {limit} times a minute", {"Retry-After": wait})


def cookie(headers: Headers) -> str | None:
    """Return the secret of the request's session cookie."""
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return found.value if found else None


def _only_loopback(scope: MutableMapping[str, Any]) -> None:
    server = scope.get("server")
    if server and server[1] is not None and not is_loopback(server[0]):
        raise Problem("forbidden", "this server has no API keys, so it answers on loopback only")


async def _nothing() -> Message:
    return {"type": "http.disconnect"}


class _Record:
    """Remembers how an answer began, to log and count it at its end."""

    def __init__(self, scope: Scope, send: Callable[[Message], Awaitable[None]], request_id: str) -> None:
        self._scope, self._send, self._request_id = scope, send, request_id
        self._started, self._status, self._replaced = time.perf_counter(), 500, False

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            if message["status"] == 413:
                await self._too_large()
                return
            self._status = message["status"]
            headers = MutableHeaders(raw=message["headers"])
            for name, value in self._headers().items():
                headers.setdefault(name, value)
        await self._send(message)

    def _headers(self) -> dict[str, str]:
        return {**HEADERS, "x-request-id": self._request_id}

    async def _too_large(self) -> None:
        """Answer with a problem where the framework has plain text, and hang up: the rest of the body is not wanted."""
        self._replaced = True
        self._status = 413
        problem = Problem(
            "body_too_large",
            "this is more than the address takes; send less at once",
            {**self._headers(), "connection": "close"},
        )
        await problem.response(self._scope["path"], self._request_id)(self._scope, _nothing, self._send)

    def end(self, services: Services) -> None:
        seconds = time.perf_counter() - self._started
        route = getattr(self._scope.get("route"), "path", "unknown")
        method = self._scope["method"]
        labels = {"method": method if method in METHODS else "other", "route": route, "status": str(self._status)}
        services.counters.observe("dualtrain_request_seconds", seconds, labels)
        structlog.get_logger().info("request", **labels, path=self._scope["path"], seconds=round(seconds, 5))
