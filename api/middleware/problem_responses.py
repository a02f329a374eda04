"""Exceptions as problem responses, those of the middleware inside included."""

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from dualtrain.api.errors.exception_handlers import problem_of


class ProblemResponses:
    """Turns each exception that no handler took into its problem; `problem_of` has the table."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = False

        async def send_and_remember(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_and_remember)
        except Exception as error:
            problem = problem_of(error, scope["path"])
            if started:
                raise
            response = problem.response(scope["path"], scope["state"]["request_id"])
            await response(scope, receive, send)
