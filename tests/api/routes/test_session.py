"""The page's session: a cookie that stands for a key."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from dualtrain.api.app import create_app
from dualtrain.api.security import Scope
from dualtrain.api.security.keys import create
from dualtrain.core.settings import Settings

Caller = Callable[..., httpx.Client]


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


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_what_came_encrypted_is_sent_back_encrypted_only(settings: Settings, tmp_path: Path, scheme: str) -> None:
    file = tmp_path / "keys.json"
    keyed = settings.model_copy(update={"api_keys_file": file})
    body = {"key": create(file, "ann", frozenset({Scope.READ}))}

    async def flags() -> str:
        app = create_app(keyed, aggregator=False)
        transport = httpx.ASGITransport(app)
        async with (
            app.router.lifespan_context(app),
            httpx.AsyncClient(transport=transport, base_url=f"{scheme}://localhost") as client,
        ):
            return (await client.post("/v1/session", json=body)).headers["set-cookie"].lower()

    assert ("; secure" in asyncio.run(flags())) == (scheme == "https")
