"""The session cookie, read in linear time; no other code reads cookies."""

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Receive, Scope, Send

from dualtrain.api.errors.problems import Problem

COOKIE = "dualtrain_session"
SECURE_COOKIE = f"__Host-{COOKIE}"
"""The name of a cookie that came over TLS: browsers then refuse one from a subdomain or without `Secure`."""
COOKIE_BYTES = 4096
"""Most bytes of a request's cookies together; browsers keep no larger one."""


class SessionCookie:
    """Moves the secret of the session cookie to `state["session"]` and takes all cookies out of the request.

    The standard library's cookie parser, which the framework uses, takes quadratic time before Python 3.11.10, 3.12.6
    and 3.13 (CVE-2024-7592). Here it never sees a cookie.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            headers = MutableHeaders(scope=scope)
            cookies = headers.getlist("cookie")
            if sum(map(len, cookies)) > COOKIE_BYTES:
                raise Problem("headers_too_large", f"the request's cookies have more than {COOKIE_BYTES:,} bytes")
            scope["state"]["session"] = session_secret(cookies)
            if cookies:
                del headers["cookie"]
        await self._app(scope, receive, send)


def session_secret(cookies: list[str]) -> str | None:
    """Return the secret in the session cookie of `Cookie` headers; the one that is bound to TLS comes first."""
    pairs = (pair.partition("=") for cookie in cookies for pair in cookie.split(";"))
    values = {name.strip(): value.strip() for name, _, value in pairs}
    return values.get(SECURE_COOKIE) or values.get(COOKIE) or None
