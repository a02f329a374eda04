"""HEAD for every address that has GET: the same response, made in the same way, without its body."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send


class HeadRequests:
    """Serves HEAD as GET and ends the response after its headers: a stream sees its client disconnect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                await send({"type": "http.response.body"})

        if scope.get("method") != "HEAD":
            await self._app(scope, receive, send)
            return
        get_scope = {**scope, "method": "GET"}  # the server has its own scope: after HEAD it sends no body
        try:
            await self._app(get_scope, receive, send_head)
        finally:
            scope["route"] = get_scope.get("route")  # for the access log
