"""Sessions of the page, which holds a cookie because event streams cannot send headers."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dualtrain.api.dependencies import CallerDep, ServicesDep
from dualtrain.api.errors.problems import documented
from dualtrain.api.middleware.cookies import COOKIE, SECURE_COOKIE
from dualtrain.api.security import ANYONE, Key, UnknownKey, count_request
from dualtrain.core.store.sessions import SESSION_SECONDS

router = APIRouter(prefix="/v1/session", tags=["session"])

_PROBLEMS = documented("malformed_json", "unauthenticated", "invalid", "store_unavailable")


class Login(BaseModel):
    """An API key, to open a session of the page."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200)


class SessionView(BaseModel):
    """The caller's name and scopes; `keys`: whether this server uses API keys at all."""

    name: str | None
    scopes: list[str]
    keys: bool


@router.post("", response_model=SessionView, responses={**_PROBLEMS, **documented("rate_limited", "body_too_large")})
async def log_in(services: ServicesDep, request: Request, response: Response, login: Login) -> Any:
    """Exchange an API key for a session cookie.

    Scripts cannot read the cookie and other sites cannot send it.
    """
    if services.keys is None:
        return _view(ANYONE)
    key = services.keys.of_token(login.key)
    if key is None:
        raise UnknownKey
    await count_request(services.access, key)
    secret = await services.access.open_session(key.sha256)
    secure = _came_over_tls(request)
    name = SECURE_COOKIE if secure else COOKIE
    response.set_cookie(name, secret, SESSION_SECONDS, httponly=True, samesite="strict", secure=secure)
    return _view(key)


@router.get("", response_model=SessionView, responses=_PROBLEMS)
async def who(key: CallerDep) -> Any:
    """Show who is logged in."""
    return _view(key)


@router.delete("", status_code=204, responses={204: {"description": "Logged out"}, **_PROBLEMS})
async def log_out(services: ServicesDep, request: Request) -> Response:
    """End the session."""
    secret = request.state.session
    if secret and services.keys is not None:
        await services.access.close_session(secret)
    response = Response(status_code=204)
    for name, secure in ((SECURE_COOKIE, True), (COOKIE, False)):
        response.delete_cookie(name, httponly=True, samesite="strict", secure=secure)
    return response


def _came_over_tls(request: Request) -> bool:
    """Return whether the browser's connection is encrypted; behind a proxy only its `Origin` may say so."""
    return request.url.scheme == "https" or request.headers.get("origin", "").startswith("https://")


def _view(key: Key) -> SessionView:
    named = key is not ANYONE and bool(key.scopes)
    return SessionView(name=key.name if named else None, scopes=sorted(key.scopes), keys=key is not ANYONE)
