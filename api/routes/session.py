"""The page's session: it logs in once with a key and holds a cookie, because event streams cannot send headers."""

from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from dualtrain.api.dependencies import CallerDep, ServicesDep
from dualtrain.api.errors.problems import Problem, documented
from dualtrain.api.middleware.access import COOKIE, cookie
from dualtrain.api.security import ANYONE, Key
from dualtrain.core.store.sessions import SESSION_SECONDS

router = APIRouter(prefix="/v1/session", tags=["session"])

_PROBLEMS = documented("malformed_json", "unauthenticated", "invalid", "store_unavailable")


class Login(BaseModel):
    """An API key, to open a session of the page."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(min_length=1, max_length=200)


class SessionView(BaseModel):
    """Who is logged in; `keys` says whether this server asks for keys at all."""

    name: str | None
    scopes: list[str]
    keys: bool


@router.post("", response_model=SessionView, responses=_PROBLEMS)
async def log_in(services: ServicesDep, request: Request, response: Response, login: Login) -> Any:
    """Exchange a key for a cookie that scripts cannot read and other sites cannot send."""
    if services.keys is None:
        return _view(ANYONE)
    key = services.keys.of_token(login.key)
    if key is None:
        raise Problem("unauthenticated", "this API key is not known here; ask who runs the server for one")
    secret = await services.access.open_session(key.sha256)
    secure = request.url.scheme == "https"
    response.set_cookie(COOKIE, secret, SESSION_SECONDS, httponly=True, samesite="strict", secure=secure)
    return _view(key)


@router.get("", response_model=SessionView, responses=_PROBLEMS)
async def who(key: CallerDep) -> Any:
    """Say who is logged in, if anybody."""
    return _view(key)


@router.delete("", status_code=204, responses={204: {"description": "Logged out"}, **_PROBLEMS})
async def log_out(services: ServicesDep, request: Request) -> Response:
    """End the session."""
    secret = cookie(request.headers)
    if secret and services.keys is not None:
        await services.access.close_session(secret)
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _view(key: Key) -> SessionView:
    named = key is not ANYONE and bool(key.scopes)
    return SessionView(name=key.name if named else None, scopes=sorted(key.scopes), keys=key is not ANYONE)
