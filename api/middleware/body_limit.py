"""The limit of a request's body, refused as a problem that names the limit."""

from starlette.middleware.body_limit import MAX_BODY_SIZE_SCOPE_KEY, RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dualtrain.api.errors.problems import Problem, body_too_large

_TOO_LARGE = 413


class BodyLimit:
    """Refuses bodies above `max_body_size`, unless their route has a limit of its own, before they are read."""

    def __init__(self, app: ASGIApp, max_body_size: int) -> None:
        self._app = RequestBodyLimitMiddleware(app, max_body_size=max_body_size)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        replaced = False

        async def send_problem(message: Message) -> None:
            nonlocal replaced
            if message["type"] == "http.response.start" and message["status"] == _TOO_LARGE and not replaced:
                replaced = True
                await _respond(body_too_large(scope[MAX_BODY_SIZE_SCOPE_KEY]), scope, send)
            elif not replaced:
                await send(message)

        await self._app(scope, receive, send_problem)


async def _respond(problem: Problem, scope: Scope, send: Send) -> None:
    """Send a problem and close the connection: the rest of the body would only be thrown away."""
    problem.headers["connection"] = "close"
    response = problem.response(scope["path"], scope["state"]["request_id"])
    await response(scope, _no_message, send)


async def _no_message() -> Message:
    return {"type": "http.disconnect"}
