"""The page's session: a cookie that stands for a key."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import pytest

from dualtrain.api.app import create_app
from dualtrain.api.security import Scope
from dualtrain.api.security.keys import create
from dualtrain.core.settings import Settings

Caller = Callable[..., httpx2.Client]


def test_a_session_stands_for_a_key_until_it_ends(caller: Caller, tokens: dict[str, str]) -> None:
    page = caller()
    assert page.get("/v1/session").json() == {"name": None, "scopes": [], "keys": True}
    assert page.post("/v1/session", json={"key": "wrong"}).status_code == 401
    answer = page.post("/v1/session", json={"key": tokens["ann"]})
    assert answer.json() == {"name": "ann", "scopes": ["read", "submit"], "keys": True}
    flags = answer.headers["set-cookie"].lower()
    assert "httponly" in flags and "samesite=strict" in flags
    assert tokens["ann"] not in flags
    assert page.post("/v1/jobs", json={}).status_code == 202
    assert page.post("/v1/jobs", json={}, headers={"Origin": "http://evil.org"}).status_code == 403
    kept = page.cookies["dualtrain_session"]
    assert page.delete("/v1/session").status_code == 204
    stolen = caller().get("/v1/jobs", headers={"Cookie": f"dualtrain_session={kept}"})
    assert stolen.status_code == 401


@pytest.mark.parametrize(
    ("scheme", "origin", "encrypted"),
    [
        ("http", None, False),
        ("https", None, True),
        ("http", "http://localhost", False),
        ("http", "https://localhost", True),
    ],
)
def test_what_came_encrypted_is_sent_back_encrypted_only(
    settings: Settings, tmp_path: Path, scheme: str, origin: str | None, encrypted: bool
) -> None:
    """Behind a proxy whose address is not known here the page's `Origin` says that the browser's side is encrypted."""
    file = tmp_path / "keys.json"
    keyed = settings.model_copy(update={"api_keys_file": file})
    body = {"key": create(file, "ann", frozenset({Scope.READ}))}
    headers = {"Origin": origin} if origin else {}

    async def log_in() -> tuple[str, str, int]:
        app = create_app(keyed, aggregator=False)
        transport = httpx2.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx2.AsyncClient(transport=transport, base_url=f"{scheme}://localhost") as client,
        ):
            cookie = (await client.post("/v1/session", json=body, headers=headers)).headers["set-cookie"]
            pair = cookie.partition(";")[0]
            client.cookies.clear()
            shown = await client.get("/v1/session", headers={"Cookie": pair})
            return pair, cookie.lower(), shown.json()["name"]

    pair, cookie, name = asyncio.run(log_in())
    assert ("; secure" in cookie) == encrypted
    assert pair.startswith("__Host-") == encrypted
    assert "path=/" in cookie and "domain" not in cookie  # else browsers refuse the prefix
    assert name == "ann"


def test_a_proxy_at_a_trusted_address_says_that_its_side_is_encrypted(
    settings: Settings, tmp_path: Path, serve: Callable[..., AbstractContextManager[str]]
) -> None:
    file = tmp_path / "keys.json"
    body = {"key": create(file, "ann", frozenset({Scope.READ}))}
    for proxies, encrypted in ((("127.0.0.0/8",), True), (("10.0.0.1",), False)):
        keyed = settings.model_copy(update={"api_keys_file": file, "trusted_proxies": proxies})
        with serve(keyed) as url:
            response = httpx2.post(f"{url}/v1/session", json=body, headers={"X-Forwarded-Proto": "https"})
        assert ("; secure" in response.headers["set-cookie"].lower()) == encrypted


def test_logins_count_as_requests_of_their_key(caller: Caller, tokens: dict[str, str]) -> None:
    statuses = [caller().post("/v1/session", json={"key": tokens["eve"]}).status_code for _ in range(12)]
    assert statuses[0] == 200
    assert statuses[-1] == 429
    assert statuses.count(200) <= 5


def test_a_login_of_a_megabyte_is_refused_before_it_is_read(caller: Caller) -> None:
    fields = ",".join(f'"{number:x}":0' for number in range(100_000))
    answer = caller().post("/v1/session", content="{" + fields + "}", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
    assert "4 KiB" in answer.json()["detail"]


def test_a_login_with_many_unknown_fields_gets_a_short_answer(caller: Caller) -> None:
    answer = caller().post("/v1/session", json={f"{number:x}": 0 for number in range(400)})
    assert answer.status_code == 422
    assert len(answer.json()["errors"]) == 20
