"""What keys may do: every operation asks for its scope, and quotas hold."""

import asyncio
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import numpy as np
import pytest
from redis import Redis

from api.app import create_app
from api.gate import OPEN
from api.security import Key, Scope
from api.security.keys import create, digest, put
from core.job import Status
from core.settings import Settings
from core.store import Checkpoint, Checkpoints, Jobs, Leases

READS_BY_POST = re.compile(r".*/(predictions|trace|infer)$")
Serve = Callable[[Settings], AbstractContextManager[str]]


def needed(method: str, path: str) -> Scope:
    """Return the scope that an operation asks for; `admin` has all."""
    if method == "GET" or READS_BY_POST.fullmatch(path):
        return Scope.READ
    return Scope.ADMIN if (method, path) == ("DELETE", "/v1/datasets/{name}") else Scope.SUBMIT


def test_every_operation_asks_for_its_scope(settings: Settings, serve: Serve, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    tokens = {scope: create(file, scope.value, frozenset({scope})) for scope in Scope}
    keyed = settings.model_copy(update={"api_keys_file": file, "data_dir": tmp_path / "data"})
    paths = create_app(keyed, aggregator=False).openapi()["paths"]
    operations = [(method.upper(), path) for path in paths for method in paths[path] if not OPEN.fullmatch(path)]
    assert len(operations) > 30
    with serve(keyed) as url, httpx.Client(base_url=url) as client:
        for method, path in operations:
            for scope, token in tokens.items():
                address, headers = re.sub(r"{\w+}", "1", path), {"Authorization": f"Bearer {token}"}
                with client.stream(method, address, headers=headers) as answer:
                    refused = scope not in (needed(method, path), Scope.ADMIN)
                    assert (answer.status_code == 403) == refused, (method, path, scope, answer.status_code)


def test_a_key_with_as_much_as_it_may_have_gets_no_more(
    settings: Settings, serve: Serve, tmp_path: Path, store: Redis, jobs: Jobs
) -> None:
    file = tmp_path / "keys.json"
    put(file, Key(name="runs", sha256=digest("runs"), scopes=frozenset(Scope), max_running_jobs=1))
    put(file, Key(name="keeps", sha256=digest("keeps"), scopes=frozenset(Scope), max_stored_bytes=1))
    with serve(settings.model_copy(update={"api_keys_file": file})) as url, httpx.Client(base_url=url) as client:

        def post(name: str) -> httpx.Response:
            return client.post("/v1/jobs", json={}, headers={"Authorization": f"Bearer {name}"})

        runs, keeps = (post(name).json()["id"] for name in ("runs", "keeps"))
        assert [post(name).status_code for name in ("runs", "keeps")] == [202, 202]
        jobs.move(runs, Status.RUNNING)
        lease = Leases(store).acquire(keeps)
        assert lease is not None
        Checkpoints(store).save(lease, Checkpoint(1, {"parameters": np.zeros(3, np.float32)}, {}), {}, 1)
        for name, words in (("runs", "has 1 of 1 running jobs"), ("keeps", "of 1 bytes; delete some jobs")):
            refused = post(name).json()
            assert refused["code"] == "quota_exceeded"
            assert words in refused["detail"]


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("192.168.0.7", 403)])
def test_without_keys_it_answers_on_loopback_only(settings: Settings, host: str, status: int) -> None:
    async def ask() -> int:
        transport = httpx.ASGITransport(create_app(settings, aggregator=False))
        async with httpx.AsyncClient(transport=transport, base_url=f"http://{host}:8000") as client:
            return (await client.get("/livez")).status_code

    assert asyncio.run(ask()) == status
