"""HEAD, wherever there is GET: the same answer, made in the same way, without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class Head:
    """A layer that asks for GET instead, and ends the answer with its headers: a stream sees its listener go."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def begin(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})

        if scope.get("method") != "HEAD":
            await self._app(scope, receive, send)
            return
        asked = {**scope, "method": "GET"}  # the server goes by its own scope: after HEAD it sends no body
        try:
            await self._app(asked, receive, begin)
        finally:
            scope["route"] = asked.get("route")  # for the gate's record
