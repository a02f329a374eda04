"""The end of each request, as a line in the log and as a measurement."""

import time

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dualtrain.core.store import Counters

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class AccessLog:
    """Logs each request with its route, status, duration and the name of its API key."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        response = _Response(scope, send)
        try:
            await self._app(scope, receive, response.send)
        finally:
            key = scope["state"].get("key")
            structlog.get_logger().info(
                "request",
                **response.labels(),
                path=scope["path"],
                key=key.name if key else None,
                seconds=round(response.seconds(), 5),
            )


class RequestMetrics:
    """Measures the duration of each request by method, route and status."""

    def __init__(self, app: ASGIApp, counters: Counters) -> None:
        self._app = app
        self._counters = counters

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        response = _Response(scope, send)
        try:
            await self._app(scope, receive, response.send)
        finally:
            self._counters.observe("dualtrain_request_seconds", response.seconds(), response.labels())


class _Response:
    """The status of a response, and the time since its request."""

    def __init__(self, scope: Scope, send: Send) -> None:
        self._scope = scope
        self._send = send
        self._started = time.perf_counter()
        self._status = 500

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
        await self._send(message)

    def seconds(self) -> float:
        return time.perf_counter() - self._started

    def labels(self) -> dict[str, str]:
        method = self._scope["method"]
        return {
            "method": method if method in _METHODS else "other",
            "route": getattr(self._scope.get("route"), "path", "unknown"),
            "status": str(self._status),
        }
