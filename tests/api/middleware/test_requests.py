"""What happens before a route is reached: keys, scopes, owners, sessions, rates, hosts, request ids, headers."""

import asyncio
import contextlib
import json
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import httpx2
import pytest
from redis import Redis

from dualtrain.api.app import create_app
from dualtrain.api.middleware.cookies import COOKIE
from dualtrain.api.security.keys import LOOK_SECONDS
from dualtrain.api.services import Services
from dualtrain.core.job import Status
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.store import Access, Doing, Exchange, Jobs, Worker, connect_async
from tests.waiting import until

Caller = Callable[..., httpx2.Client]
Serve = Callable[..., AbstractContextManager[str]]


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
    with serve(away) as url, httpx2.Client(base_url=url, cookies={COOKIE: "x"}) as client:
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
    assert caller("ann").get(f"/v1/jobs/{job_id}").json().get("owner") is None


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


def test_a_key_whose_scope_is_cut_hears_of_its_own_jobs_only(caller: Caller, keys_file: Path, store: Redis) -> None:
    whole = keys_file.read_text()
    job_id = caller("ann").post("/v1/jobs", json={}).json()["id"]
    own = caller("root").post("/v1/jobs", json={}).json()["id"]
    cut = [key | ({"scopes": ["read"]} if key["name"] == "root" else {}) for key in json.loads(whole)]
    try:
        with caller("root").stream("GET", "/v1/events") as response:
            lines = response.iter_lines()
            next(lines)
            keys_file.write_text(json.dumps(cut))
            time.sleep(LOOK_SECONDS + 0.2)
            Jobs(store).move(job_id, Status.CANCELLED)
            Jobs(store).move(own, Status.CANCELLED)
            heard = next(line for line in lines if "cancelled" in line)
            assert own in heard
    finally:
        keys_file.write_text(whole)
        time.sleep(LOOK_SECONDS + 0.2)


def test_a_key_that_is_removed_while_it_waits_is_refused(caller: Caller, keys_file: Path) -> None:
    whole = keys_file.read_text()
    ann = caller("ann")
    job_id = ann.post("/v1/jobs", json={}).json()["id"]
    timer = threading.Timer(
        0.3, lambda: keys_file.write_text(json.dumps([key for key in json.loads(whole) if key["name"] != "ann"]))
    )
    timer.start()
    try:
        answer = ann.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=3"})
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    finally:
        timer.join()
        keys_file.write_text(whole)
        time.sleep(LOOK_SECONDS + 0.2)


def test_workers_name_only_the_callers_jobs(caller: Caller, exchange: Redis) -> None:
    job_id = caller("ann").post("/v1/jobs", json={}).json()["id"]
    doing = Doing(job=job_id, step=4, shard=2)
    Exchange(exchange).beat(
        Worker(id="w", host="h", pid=1, since=now(), seen=now(), numerics="n", code="c", doing=doing)
    )
    shown = {name: caller(name).get("/v1/workers").json()["data"][0]["doing"] for name in ("ann", "bob", "root")}
    assert shown["bob"] is None
    assert shown["ann"]["job"] == shown["root"]["job"] == job_id


def test_open_streams_of_a_key_are_limited(caller: Caller) -> None:
    ann = caller("ann")
    job_id = ann.post("/v1/jobs", json={}).json()["id"]
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(ann.stream("GET", "/v1/events"))
        for address, headers in (("/v1/events", {}), (f"/v1/jobs/{job_id}/events", {}),
                                 (f"/v1/jobs/{job_id}", {"Prefer": "wait=5"})):  # fmt: skip
            refused = ann.get(address, headers=headers)
            assert (refused.status_code, refused.json()["code"]) == (429, "too_many_streams")
        with caller("bob").stream("GET", "/v1/events") as response:
            assert response.status_code == 200
    until(lambda: ann.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=1"}).status_code == 200, 20, "closed streams")


def test_a_wait_ends_with_its_client(caller: Caller) -> None:
    ann = caller("ann")
    job_id = ann.post("/v1/jobs", json={}).json()["id"]

    def listeners() -> float:
        text = caller("root").get("/metrics").text
        return float(
            next(line for line in text.splitlines() if line.startswith("dualtrain_event_listeners")).split()[1]
        )

    until(lambda: listeners() == 0, 20, "earlier streams")
    for _ in range(5):
        with contextlib.suppress(httpx2.ReadTimeout):
            ann.get(f"/v1/jobs/{job_id}", headers={"Prefer": "wait=60"}, timeout=0.2)
    until(lambda: listeners() == 0, 10, "waits of clients that left")


def test_a_key_finds_its_jobs_among_those_of_others(caller: Caller) -> None:
    mine = caller("ann").post("/v1/jobs", json={}).json()["id"]
    for _ in range(25):
        caller("root").post("/v1/jobs", json={})
    page = caller("ann").get("/v1/jobs?limit=1").json()
    assert ([job["id"] for job in page["data"]], page["has_more"]) == ([mine], False)


def test_idempotency_keys_of_two_owners_are_two(caller: Caller) -> None:
    headers = {"Idempotency-Key": "same"}
    ids = {caller(name).post("/v1/jobs", json={}, headers=headers).json()["id"] for name in ("ann", "bob", "ann")}
    assert len(ids) == 2


def test_rates_are_limited_by_key(caller: Caller) -> None:
    codes = [caller("eve").get("/v1/jobs").status_code for _ in range(12)]
    assert codes[0] == 200
    assert codes[-1] == 429
    assert 5 <= codes.count(200) <= 10  # the minute may end in between
    assert caller("ann").get("/v1/jobs").status_code == 200


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


def test_other_hosts_and_origins_are_refused(client: httpx2.Client) -> None:
    rebound = client.get("/v1/jobs", headers={"Host": "evil.org"})
    assert (rebound.status_code, rebound.json()["code"]) == (421, "foreign_host")
    for method in ("POST", "DELETE"):
        foreign = client.request(method, "/v1/jobs/job-0", headers={"Origin": "http://evil.org"})
        assert (foreign.status_code, foreign.json()["code"]) == (403, "foreign_origin")


def test_every_answer_has_its_id_and_its_headers(client: httpx2.Client) -> None:
    for address in ("/livez", "/nowhere", "/v1/jobs"):
        answer = client.get(address, headers={"X-Request-ID": "abc-1"})
        assert answer.headers["x-request-id"] == "abc-1"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    made = client.get("/nowhere", headers={"X-Request-ID": "no good\tid"})
    assert made.headers["x-request-id"] == made.json()["request_id"] != "no good\tid"


def test_the_request_id_of_an_anonymous_caller_is_not_taken(caller: Caller) -> None:
    headers = {"X-Request-ID": "forged"}
    for address in ("/livez", "/v1/jobs", "/v1/session"):
        assert caller().get(address, headers=headers).headers["x-request-id"] != "forged"
    assert caller("ann").get("/v1/jobs", headers=headers).headers["x-request-id"] == "forged"


def test_the_log_of_a_request_names_its_key(caller: Caller, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO"):
        caller("ann").get("/v1/jobs?limit=7")
        caller().get("/v1/jobs")
    lines = [record.msg for record in caplog.records if isinstance(record.msg, dict) and "seconds" in record.msg]
    assert [line["key"] for line in lines] == ["ann", None]


def test_a_body_that_is_too_large_is_told_the_limit(caller: Caller) -> None:
    for address, limit in (("/v1/jobs", "1 MiB"), ("/v1/session", "4 KiB")):
        answer = caller("ann").post(address, content=b"[" * (2 << 20), headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.json()["code"]) == (413, "body_too_large")
        assert limit in answer.json()["detail"]


def test_rates_have_no_edge_at_which_they_double(store: Redis, store_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty a minute is twenty in any 60 s, and the wait that a refused request is told suffices."""

    async def scene() -> None:
        client = connect_async(store_url)
        access = Access(client)
        clock = 60.0 * 1000 + 58
        monkeypatch.setattr("dualtrain.core.store.sessions.time.time", lambda: clock)
        assert [await access.count("k", 20) for _ in range(20)] == [0] * 20
        assert await access.count("k", 20) > 0
        clock += 4  # the next minute
        waits = [await access.count("k", 20) for _ in range(20)]
        assert waits.count(0) <= 1
        clock += waits[-1]
        assert await access.count("k", 20) == 0
        await client.aclose()

    asyncio.run(scene())


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


@pytest.mark.parametrize(("host", "status"), [("127.0.0.1", 200), ("192.168.0.7", 403)])
def test_without_keys_it_answers_on_loopback_only(settings: Settings, host: str, status: int) -> None:
    async def ask() -> int:
        transport = httpx2.ASGITransport(create_app(settings, aggregator=False))
        async with httpx2.AsyncClient(transport=transport, base_url=f"http://{host}:8000") as client:
            return (await client.get("/livez")).status_code

    assert asyncio.run(ask()) == status
