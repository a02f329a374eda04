"""Listeners that hang up in the middle of a stream."""

from anyio import BrokenResourceError
from starlette.types import ASGIApp, Receive, Scope, Send


class HangUp:
    """A layer that ends the stream of a listener who has left in silence.

    FastAPI closes the channel between its two writers first and lets them find out, so that one of them may raise.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except* BrokenResourceError:
            pass
