"""Hosts and origins of requests, checked before anything else looks at them."""

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from dualtrain.api.security import Hosts


class HostCheck:
    """Refuses requests that name another host, or that pages of other sites send."""

    def __init__(self, app: ASGIApp, hosts: Hosts) -> None:
        self._app = app
        self._hosts = hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            self._hosts.check(scope["method"], scope["path"], Headers(scope=scope))
        await self._app(scope, receive, send)
