"""Clients that disconnect in the middle of a stream."""

from anyio import BrokenResourceError
from starlette.types import ASGIApp, Receive, Scope, Send


class Disconnects:
    """Ends the stream of a client that has disconnected, without an error.

    FastAPI closes the channel between its two writers first, so that either of them may raise.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except* BrokenResourceError:
            pass
