"""Posting jobs: what is accepted, what is refused and why, and that a request sent twice makes one job."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any
from unittest.mock import Mock

import httpx2
import pytest
from redis import ConnectionError, Redis

from dualtrain.api.errors.problems import Problem
from dualtrain.api.jobs import admission
from dualtrain.core.job import Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import Idempotency, Jobs, idempotency, keys

JSON = {"content-type": "application/json"}

WRONG: list[tuple[dict[str, Any], str, str, str | None]] = [
    ({"learning_rat": 1}, "/learning_rat", "extra_forbidden", "optimizer.learning_rate"),
    ({"network": {"layers": [{"units": 0}]}}, "/network/layers/0/units", "greater_than_equal", None),
    ({"network": {"layers": [{"units": "20"}, {"units": 10}]}}, "/network/layers/0/units", "int_type", None),
    ({"network": {"layers": [{"units": 11}]}}, "/network/layers/0/units", "wrong_output_size", None),
    ({"network": {"layers": [{"units": 65536}, {"units": 65536}, {"units": 10}]}}, "/network/layers",
     "too_many_parameters", None),
    ({"network": {"layers": [{"custom": "quantise"}, {"units": 10}]}}, "/network/layers/0/custom", "unknown_layer",
     None),
    ({"network": {"layers": []}}, "/network/layers", "too_short", None),
    ({"network": {"layers": [{"units": 10, "activation": "rele"}]}}, "/network/layers/0/activation", "literal_error",
     "relu"),
    ({"gradient": {"method": "per-nuron"}}, "/gradient/method", "union_tag_invalid", "per-neuron"),
    ({"gradient": {"method": "spsa", "direction": 4}}, "/gradient/direction", "unexpected_keyword_argument",
     "gradient.directions"),
    ({"optimizer": {"learning_rat": 0.1}}, "/optimizer/learning_rat", "unexpected_keyword_argument", "learning_rate"),
    ({"gradient": {"directions": 4}}, "/gradient/directions", "unexpected_keyword_argument", None),
    ({"network": {"layers": [{"custom": "quantize", "units": 3}]}}, "/network/layers/0/units",
     "unexpected_keyword_argument", None),
    ({"optimizer": {"name": "sgd", "learning_rate": -1}}, "/optimizer/learning_rate", "greater_than", None),
    ({"dataset": {"name": "mnits"}}, "/dataset/name", "unknown_dataset", "mnist"),
    ({"dataset": {"name": "mnist", "validation_limit": 60_000}}, "/dataset/validation_limit",
     "nothing_left_to_train", None),
    ({"epochs": True}, "/epochs", "int_type", None),
    ({"batch_size": 1e300}, "/batch_size", "int_type", None),
    ({"metadata": {"k": 1}}, "/metadata/k", "string_type", None),
    ({"initial_weights": "job-nowhere"}, "/initial_weights", "unknown_weights", None),
    ({"webhook_url": "https://example.org/"}, "/webhook_url", "webhooks_off", None),
]  # fmt: skip


def test_the_empty_spec_is_a_job(client: httpx2.Client) -> None:
    answer = client.post("/v1/jobs", json={})
    job = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/jobs/{job['id']}"
    assert job["status"] == "queued"
    assert job["spec"]["network"]["layers"][0]["units"] == 20
    assert (job["progress"]["step"], job["progress"]["total_steps"]) == (0, 938)
    assert job["model"] == {"parameters": 3110, "sha256": None}
    assert [one["status"] for one in job["transitions"]] == ["queued"]
    assert client.get(answer.headers["location"]).json()["id"] == job["id"]


def test_kinds_have_defaults_as_all_fields_have(client: httpx2.Client) -> None:
    partly = {"gradient": {}, "optimizer": {"learning_rate": 0.05, "schedule": {"warmup_steps": 5}}, "outer": {}}
    spec = client.post("/v1/jobs", json=partly).json()["spec"]
    assert (spec["gradient"]["method"], spec["optimizer"]["name"], spec["outer"]["name"]) == (
        "per-parameter",
        "sgd",
        "average",
    )
    assert spec["optimizer"]["schedule"] == {"name": "constant", "warmup_steps": 5}


@pytest.mark.parametrize(("spec", "pointer", "code", "suggestion"), WRONG, ids=lambda value: str(value)[:40])
def test_each_fault_is_pointed_at(
    client: httpx2.Client, spec: dict[str, Any], pointer: str, code: str, suggestion: str | None
) -> None:
    answer = client.post("/v1/jobs", json=spec)
    problem = answer.json()
    assert (answer.status_code, problem["code"]) == (422, "invalid")
    assert answer.headers["content-type"] == "application/problem+json"
    (fault,) = problem["errors"]
    assert (fault["pointer"], fault["code"], fault.get("suggestion")) == (pointer, code, suggestion)
    assert client.get("/v1/jobs").json()["data"] == []


def test_all_faults_are_told_at_once(client: httpx2.Client) -> None:
    spec = {"epochs": 0, "dtype": "float16", "network": {"layers": [{"units": 10, "unit": 3}]}}
    pointers = {fault["pointer"] for fault in client.post("/v1/jobs", json=spec).json()["errors"]}
    assert pointers == {"/epochs", "/dtype", "/network/layers/0/unit"}


HOSTILE = {
    "no JSON": (b"{", 400, "malformed_json"),
    "nothing": (b"", 400, "malformed_json"),
    "a list": (b"[]", 422, "invalid"),
    "not UTF-8": (b'{"name": "\xff"}', 400, "malformed_json"),
    "NaN": (b'{"optimizer": {"name": "sgd", "learning_rate": NaN}}', 422, "invalid"),
    "infinity": (b'{"max_seconds": 1e999}', 422, "invalid"),
    "5000 digits": (b'{"seed": 1' + b"0" * 5000 + b"}", 400, "malformed_json"),
    "20 digits": (b'{"seed": 1' + b"0" * 20 + b"}", 422, "invalid"),
    "deep nesting": (b"[" * 500_000, 400, "malformed_json"),
    "deep in the metadata": (b'{"metadata": ' + b'{"a":' * 100_000 + b"}" * 100_000 + b"}", 400, "malformed_json"),
    "many keys": (b'{"metadata": {' + b",".join(b'"%d": ""' % i for i in range(50_000)) + b"}}", 422, "invalid"),
    "two megabytes": (b'{"name": "' + b"a" * (2 << 20) + b'"}', 413, "body_too_large"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_bodies_are_refused_quickly(client: httpx2.Client, name: str) -> None:
    body, status, code = HOSTILE[name]
    started = time.perf_counter()
    answer = client.post("/v1/jobs", content=body, headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert len(answer.content) < 20_000
    assert time.perf_counter() - started < 10  # on a full machine; here it takes milliseconds


def test_a_body_of_100_megabytes_is_refused_before_it_is_read(client: httpx2.Client) -> None:
    sent = 0

    def body() -> Any:
        nonlocal sent
        for _ in range(1600):
            sent += 1 << 16
            yield b" " * (1 << 16)

    with suppress(httpx2.WriteError, httpx2.RemoteProtocolError):  # the server hangs up on the rest
        assert client.post("/v1/jobs", content=body(), headers=JSON).status_code == 413
    assert sent < 32 << 20


def test_only_json_is_read(client: httpx2.Client) -> None:
    answer = client.post("/v1/jobs", content=b"{}", headers={"content-type": "text/plain"})
    assert (answer.status_code, answer.json()["code"]) == (415, "unsupported_media_type")


def test_the_same_key_and_body_replay_the_first_answer(client: httpx2.Client, jobs: Jobs) -> None:
    headers = {"Idempotency-Key": '"k-1"'}
    first = client.post("/v1/jobs", json={"seed": 3}, headers=headers)
    jobs.move(first.json()["id"], Status.RUNNING)
    again = client.post("/v1/jobs", json={"seed": 3}, headers={"Idempotency-Key": "k-1"})
    assert (again.status_code, again.text, again.headers["location"]) == (202, first.text, first.headers["location"])
    assert len(client.get("/v1/jobs").json()["data"]) == 1


def test_the_same_key_with_another_body_is_refused(client: httpx2.Client) -> None:
    headers = {"Idempotency-Key": "k-1"}
    client.post("/v1/jobs", json={"seed": 3}, headers=headers)
    answer = client.post("/v1/jobs", json={"seed": 4}, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_mismatch")


@pytest.fixture
def source(checkpointed: Callable[[str], str], submit: Callable[..., str], bring: Callable[[str, Status], None]) -> str:
    """The id of an ended job with a checkpoint, for `initial_weights`."""
    job_id = checkpointed(submit())
    bring(job_id, Status.CANCELLED)
    return job_id


def test_the_first_answer_is_replayed_when_what_the_spec_names_is_gone(client: httpx2.Client, source: str) -> None:
    headers, spec = {"Idempotency-Key": "k"}, {"initial_weights": source}
    first = client.post("/v1/jobs", json=spec, headers=headers)
    assert client.delete(f"/v1/jobs/{source}").status_code == 204
    again = client.post("/v1/jobs", json=spec, headers=headers)
    assert (again.status_code, again.text) == (202, first.text)
    changed = client.post("/v1/jobs", json=spec | {"seed": 1}, headers=headers)
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_mismatch")
    tried = client.post("/v1/jobs?dry_run=true", json=spec, headers=headers)
    assert (tried.status_code, tried.json()["code"]) == (422, "invalid")


def test_a_dry_run_takes_no_key(client: httpx2.Client, store: Redis) -> None:
    headers = {"Idempotency-Key": "k"}
    assert client.post("/v1/jobs?dry_run=true", json={}, headers=headers).status_code == 200
    assert not store.exists(keys.idempotency("", "k"))


@pytest.mark.parametrize("failing", [(admission, "check_quota"), (Idempotency, "answer")], ids=["before", "after"])
def test_a_request_that_failed_may_come_again_at_once_and_makes_one_job(
    client: httpx2.Client, source: str, monkeypatch: pytest.MonkeyPatch, failing: tuple[Any, str]
) -> None:
    headers, spec = {"Idempotency-Key": "k"}, {"initial_weights": source}
    with monkeypatch.context() as patched:
        patched.setattr(*failing, Mock(side_effect=ConnectionError("the store went away")))
        assert client.post("/v1/jobs", json=spec, headers=headers).status_code == 503
    changed = client.post("/v1/jobs", json=spec | {"seed": 1}, headers=headers)
    assert (changed.status_code, changed.json()["code"]) == (422, "idempotency_mismatch")
    if failing == (Idempotency, "answer"):  # the job is there: nothing is asked of it any more
        assert client.delete(f"/v1/jobs/{source}").status_code == 204
    again = client.post("/v1/jobs", json=spec, headers=headers)
    assert again.status_code == 202
    assert [job["id"] for job in client.get("/v1/jobs").json()["data"] if job["id"] != source] == [again.json()["id"]]


@pytest.mark.parametrize(
    "ending",
    [Problem("quota_exceeded", "the second request's job fills the quota"), ConnectionError("half-open"), None],
    ids=["refused", "store lost", "goes on after the job was deleted"],
)
def test_a_request_that_stalled_changes_nothing_when_it_comes_back(
    client: httpx2.Client, monkeypatch: pytest.MonkeyPatch, ending: Exception | None
) -> None:
    """The second request takes over while the first one is held at its last check; then the first one goes on."""
    monkeypatch.setattr(idempotency, "UNANSWERED_SECONDS", 0)
    check, second = admission.check_quota, []

    def stalled(*arguments: Any) -> None:
        check(*arguments)
        if second:
            return
        second.append(None)
        second[0] = post()
        if ending is None:
            client.post(f"/v1/jobs/{second[0].json()['id']}/cancel")
            client.delete(f"/v1/jobs/{second[0].json()['id']}")
        else:
            raise ending

    def post() -> httpx2.Response:
        return client.post("/v1/jobs", json={}, headers={"Idempotency-Key": "k"})

    monkeypatch.setattr(admission, "check_quota", stalled)
    first = post()
    assert second[0].status_code == 202
    assert first.status_code in (409, 429, 503)
    monkeypatch.setattr(admission, "check_quota", check)
    third = post()
    assert (third.status_code, third.text) == (202, second[0].text)
    left = [job["id"] for job in client.get("/v1/jobs").json()["data"]]
    assert left == ([] if ending is None else [second[0].json()["id"]])


def test_many_at_once_with_one_key_make_one_job(client: httpx2.Client) -> None:
    def post(_: int) -> httpx2.Response:
        return client.post("/v1/jobs", json={}, headers={"Idempotency-Key": "k"})

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(post, range(32)))
    assert {answer.status_code for answer in answers} <= {202, 409}
    assert len({answer.json()["id"] for answer in answers if answer.status_code == 202}) == 1
    assert len(client.get("/v1/jobs").json()["data"]) == 1


def test_a_key_whose_request_was_refused_is_free_again(client: httpx2.Client) -> None:
    headers = {"Idempotency-Key": "k"}
    for refused in ({"epochs": 0}, {"initial_weights": "job-nowhere"}):
        assert client.post("/v1/jobs", json=refused, headers=headers).status_code == 422
    assert client.post("/v1/jobs", json={"epochs": 1}, headers=headers).status_code == 202


def test_a_full_queue_says_when_to_come_back(
    client: httpx2.Client, store: Redis, settings: Settings, submit: Callable[..., str]
) -> None:
    submit()
    store.zadd(keys.QUEUE, {f"job-{i}": i for i in range(settings.max_waiting_jobs - 1)})
    answer = client.post("/v1/jobs", json={}, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert int(answer.headers["retry-after"]) > 0
    store.zremrangebyrank(keys.QUEUE, 1, -1)
    assert client.post("/v1/jobs", json={}, headers={"Idempotency-Key": "k"}).status_code == 202


def test_higher_priority_comes_first_then_first_come(client: httpx2.Client, submit: Callable[..., str]) -> None:
    ids = [submit(priority=priority) for priority in (0, 5, 9, 5)]
    positions = [client.get(f"/v1/jobs/{job_id}").json()["queue_position"] for job_id in ids]
    assert positions == [4, 2, 1, 3]


def test_a_dry_run_queues_nothing(client: httpx2.Client) -> None:
    spec = {"network": {"layers": [{"units": 20, "activation": "relu"}, {"units": 10, "activation": "softmax"}]},
            "max_steps": 50, "gradient": {"method": "per-neuron"}}  # fmt: skip
    answer = client.post("/v1/jobs?dry_run=true", json=spec)
    found = answer.json()
    assert answer.status_code == 200, answer.text
    assert found["parameters"] == 144 * 20 + 20 + 20 * 10 + 10
    assert (found["total_steps"], found["rounds"], found["passes"]) == (50, 50, 50 * 30)
    assert 0 < found["estimated_seconds"] < 60
    assert found["memory_bytes"] > found["parameters"] * 4
    assert client.get("/v1/jobs").json()["data"] == []
