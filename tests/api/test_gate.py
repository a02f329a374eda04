"""What happens before a route is reached: keys, scopes, owners, sessions, rates, hosts, request ids, headers."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import numpy as np
import pytest
from redis import Redis

from api.gate import COOKIE
from api.security import Scope
from api.security.keys import LOOK_SECONDS, create
from api.services import Services
from core.job import Status
from core.settings import Settings
from core.store import Checkpoint, Checkpoints, Documents, Jobs, Leases

Caller = Callable[..., httpx.Client]
Serve = Callable[..., AbstractContextManager[str]]


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("keys") / "keys.json"


@pytest.fixture(scope="session")
def tokens(keys_file: Path) -> dict[str, str]:
    """The secrets of four keys, by name."""
    scopes = {"ann": {Scope.READ, Scope.SUBMIT}, "bob": {Scope.READ, Scope.SUBMIT}, "eve": {Scope.READ},
              "root": {Scope.ADMIN}}  # fmt: skip
    tokens = {name: create(keys_file, name, frozenset(wanted)) for name, wanted in scopes.items()}
    keys = json.loads(keys_file.read_text())
    limits = {"bob": {"max_waiting_jobs": 1}, "eve": {"requests_per_minute": 5}}
    keys_file.write_text(json.dumps([key | limits.get(key["name"], {}) for key in keys]))
    return tokens


@pytest.fixture(scope="session")
def guarded(
    serve: Serve,
    store_url: str,
    exchange_url: str,
    data_dir: Path,
    keys_file: Path,
    tokens: dict[str, str],
) -> Iterator[str]:
    """The URL of a service with keys."""
    settings = Settings(redis_url=store_url, exchange_url=exchange_url, data_dir=data_dir, api_keys_file=keys_file)
    with serve(settings) as url:
        yield url


@pytest.fixture
def caller(guarded: str, tokens: dict[str, str], settings: Settings) -> Iterator[Caller]:
    """Return a function that returns the client of a name, or of nobody."""
    clients: list[httpx.Client] = []

    def caller(name: str | None = None) -> httpx.Client:
        headers = {"Authorization": f"Bearer {tokens[name]}"} if name else {}
        clients.append(httpx.Client(base_url=guarded, headers=headers, timeout=30))
        return clients[-1]

    yield caller
    for client in clients:
        client.close()


@pytest.mark.parametrize("address", ["/v1/jobs", "/v1/workers", "/v1/events", "/metrics", "/openapi.json", "/nowhere"])
def test_nothing_is_told_without_a_key(caller: Caller, address: str) -> None:
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "dualtrain_session=x"},
    ):
        answer = caller().get(address, headers=headers)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
        assert answer.headers["www-authenticate"] == "Bearer"


def test_health_needs_no_key(caller: Caller) -> None:
    assert caller().get("/livez").status_code == 200
    ready = caller().get("/readyz")
    assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
    assert ready.json()["checks"] == {"store": "ok", "exchange": "ok", "workers": "none is alive"}


def test_whether_it_is_alive_asks_nobody(settings: Settings, caller: Caller, serve: Serve) -> None:
    away = settings.model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    with serve(away) as url, httpx.Client(base_url=url, cookies={COOKIE: "x"}) as client:
        assert client.get("/livez", headers={"Authorization": "Bearer wrong"}).status_code == 200
        assert client.get("/v1/jobs").json()["code"] == "store_unavailable"


def test_scopes_limit_what_a_key_may_do(caller: Caller) -> None:
    assert caller("eve").get("/v1/jobs").status_code == 200
    refused = caller("eve").post("/v1/jobs", json={})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert caller("root").post("/v1/jobs", json={}).status_code == 202


def test_a_job_belongs_to_its_key(caller: Caller, store: Redis) -> None:
    job_id = caller("ann").post("/v1/jobs", json={}).json()["id"]
    addresses = ["", "/history", "/evaluation", "/checkpoints", "/events"]
    for address in addresses:
        assert caller("bob").get(f"/v1/jobs/{job_id}{address}").status_code == 404
    for action in ("pause", "resume", "cancel"):
        assert caller("bob").post(f"/v1/jobs/{job_id}/{action}").status_code == 404
    assert caller("bob").delete(f"/v1/jobs/{job_id}").status_code == 404
    assert caller("bob").get("/v1/jobs").json()["data"] == []
    assert Jobs(store).get(job_id).status is Status.QUEUED
    assert [job["id"] for job in caller("root").get("/v1/jobs").json()["data"]] == [job_id]
    assert "owner" not in caller("ann").get(f"/v1/jobs/{job_id}").json()


@pytest.mark.parametrize("address", ["/v1/events", "/v1/jobs/{}/events"])
def test_a_key_that_was_taken_away_hears_no_more_events(
    caller: Caller, keys_file: Path, store: Redis, address: str
) -> None:
    whole = keys_file.read_text()
    job_id = caller("ann").post("/v1/jobs", json={}).json()["id"]
    try:
        with caller("ann").stream("GET", address.format(job_id)) as response:
            lines = response.iter_lines()
            next(lines)
            keys_file.write_text(json.dumps([key for key in json.loads(whole) if key["name"] != "ann"]))
            time.sleep(LOOK_SECONDS + 0.2)
            Jobs(store).move(job_id, Status.CANCELLED)
            assert "cancelled" not in "".join(lines)
    finally:
        keys_file.write_text(whole)
        time.sleep(LOOK_SECONDS + 0.2)


def test_a_key_finds_its_jobs_among_those_of_others(caller: Caller) -> None:
    mine = caller("ann").post("/v1/jobs", json={}).json()["id"]
    for _ in range(25):
        caller("root").post("/v1/jobs", json={})
    page = caller("ann").get("/v1/jobs?limit=1").json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == ([mine], False)


@pytest.fixture
def models(caller: Caller, store: Redis) -> dict[str, str]:
    """The ids of two jobs with checkpoints, by the key that they belong to."""
    ids = {name: caller(name).post("/v1/jobs", json={}).json()["id"] for name in ("ann", "bob")}
    for job_id in ids.values():
        lease = Leases(store).acquire(job_id)
        assert lease is not None
        Checkpoints(store).save(lease, Checkpoint(7, {"parameters": np.zeros(3110, np.float32)}, {}), {}, keep=1)
    return ids


def test_no_alias_takes_the_name_of_a_job(caller: Caller, store: Redis, models: dict[str, str]) -> None:
    ann, bob = caller("ann"), caller("bob")
    for job_id in (models["ann"], "job-000000000000"):  # whether there is such a job is not told
        refused = bob.put(f"/v1/aliases/{job_id}", json={"job_id": models["bob"]})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "form_of_a_job_id")
    Documents(store).put_alias(models["ann"], {"job_id": models["bob"], "step": None, "owner": "bob"})
    pixels, wanted = {"pixels": [[0] * 784]}, {"job_id": models["ann"], "step": 7}
    assert ann.post("/v1/predictions", json=pixels | {"model": models["ann"]}).json()["model"] == wanted
    assert ann.get(f"/v2/models/{models['ann']}").json()["versions"] == ["7"]
    assert ann.post("/v1/jobs", json={"initial_weights": models["ann"]}).status_code == 202


def test_an_alias_of_another_key_does_not_exist_but_its_name_is_taken(caller: Caller, models: dict[str, str]) -> None:
    ann, bob, body = caller("ann"), caller("bob"), {"pixels": [[0] * 784], "model": "digits"}
    assert ann.put("/v1/aliases/digits", json={"job_id": models["ann"]}).status_code == 200
    assert ann.post("/v1/predictions", json=body).status_code == 200
    for answer in (
        bob.get("/v1/aliases/digits"),
        bob.delete("/v1/aliases/digits"),
        bob.put("/v1/aliases/digits", json={"job_id": models["bob"]}),
        bob.post("/v1/predictions", json=body),
        bob.get("/v2/models/digits"),
    ):
        assert answer.status_code == 404
        assert models["ann"] not in answer.text
    assert "yours" in bob.put("/v1/aliases/digits", json={"job_id": models["bob"]}).json()["detail"]
    refused = bob.post("/v1/jobs", json={"initial_weights": "digits"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_weights")
    assert caller("root").put("/v1/aliases/digits", json={"job_id": models["bob"]}).status_code == 200


def test_idempotency_keys_of_two_owners_are_two(caller: Caller) -> None:
    headers = {"Idempotency-Key": "same"}
    ids = {caller(name).post("/v1/jobs", json={}, headers=headers).json()["id"] for name in ("ann", "bob", "ann")}
    assert len(ids) == 2


def test_quotas_count_for_each_key(caller: Caller) -> None:
    assert caller("bob").post("/v1/jobs", json={}).status_code == 202
    refused = caller("bob").post("/v1/jobs", json={})
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert caller("ann").post("/v1/jobs", json={}).status_code == 202


def test_rates_are_limited_by_key(caller: Caller) -> None:
    codes = [caller("eve").get("/v1/jobs").status_code for _ in range(12)]
    assert codes[0] == 200
    assert codes[-1] == 429
    assert 5 <= codes.count(200) <= 10  # the minute may end in between
    assert caller("ann").get("/v1/jobs").status_code == 200


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


def test_one_stream_shows_a_key_its_own_jobs_only(caller: Caller, store: Redis) -> None:
    caller("bob").post("/v1/jobs", json={})
    mine = caller("ann").post("/v1/jobs", json={}).json()["id"]
    lines = []
    with caller("ann").stream("GET", "/v1/events", headers={"Last-Event-ID": "0-1"}) as response:
        for line in response.iter_lines():
            lines.append(line)
            if line.startswith("data:"):
                break
    assert mine in lines[-1]


def test_other_hosts_and_origins_are_refused(client: httpx.Client) -> None:
    rebound = client.get("/v1/jobs", headers={"Host": "evil.org"})
    assert (rebound.status_code, rebound.json()["code"]) == (421, "foreign_host")
    for method in ("POST", "DELETE"):
        foreign = client.request(method, "/v1/jobs/job-0", headers={"Origin": "http://evil.org"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")


def test_every_answer_has_its_id_and_its_headers(client: httpx.Client) -> None:
    for address in ("/livez", "/nowhere", "/v1/jobs"):
        answer = client.get(address, headers={"X-Request-ID": "abc-1"})
        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    made = client.get("/nowhere", headers={"X-Request-ID": "no good\tid"})
    assert made.headers["x-request-id"] == made.json()["request_id"] != "no good\tid"


def test_beyond_loopback_it_needs_keys(settings: Settings) -> None:
    with pytest.raises(ValueError, match="DUALTRAIN_API_KEYS_FILE"):
        Services.of(settings.model_copy(update={"host": "0.0.0.0"}))


def test_a_full_store_can_be_cleared(caller: Caller, store: Redis) -> None:
    ann = caller("ann")
    job_id = ann.post("/v1/jobs", json={}).json()["id"]
    store.config_set("maxmemory", 1)
    try:
        refused = ann.post("/v1/jobs", json={})
        assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
        assert "the store is full" in refused.json()["detail"]
        assert caller("eve").get("/v1/jobs").status_code == 200  # whose requests are counted
        assert ann.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
        assert ann.delete(f"/v1/jobs/{job_id}").status_code == 204
    finally:
        store.config_set("maxmemory", 0)
