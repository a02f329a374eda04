"""Answers that get lost, servers that are away."""

import time
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from dualtrain.client import ApiError, Client, DualtrainError, Unreachable
from dualtrain.client.retry import Patience, listed, seconds_or_raise

NOBODY = "http://127.0.0.1:9"


def test_a_lost_answer_makes_no_second_job(relay: Any, client: Client) -> None:
    relay.cut_after = [0, 0, 20]
    mark = {"mark": uuid4().hex}
    with Client(relay.url) as far:
        job = far.submit({"max_steps": 1, "metadata": mark})
    assert relay.connections == 4
    assert [one.id for one in client.jobs(metadata=mark)] == [job.id]


def test_the_same_key_is_the_same_job(client: Client) -> None:
    key = uuid4().hex
    assert client.submit({"max_steps": 1}, key=key).id == client.submit({"max_steps": 1}, key=key).id
    with pytest.raises(ApiError) as caught:
        client.submit({"max_steps": 2}, key=key)
    assert caught.value.code == "idempotency_mismatch"


def test_a_pause_whose_answer_was_lost_is_a_pause(relay: Any, client: Client) -> None:
    job = client.submit({"epochs": 50, "gradient": {"method": "per-neuron"}})
    next(event for event in job.events() if event.type == "step")
    relay.cut_after = [0]
    with Client(relay.url) as far:
        handle = far.jobs(limit=1)
        assert next(handle).pause().status == "paused"
    job.cancel()


def test_patience_ends() -> None:
    started = time.monotonic()
    with Client(NOBODY, patience_seconds=0.5) as client, pytest.raises(Unreachable, match=NOBODY):
        client.job("any")
    assert 0.1 < time.monotonic() - started < 2


def test_events_of_a_server_that_is_away(client: Client) -> None:
    job = client.submit({"max_steps": 1})
    with Client(NOBODY, patience_seconds=0.2) as far:
        job._transport = far._transport
        with pytest.raises(Unreachable):
            list(job.events())


def test_a_wait_that_is_asked_for_is_kept_and_one_that_is_too_long_is_not_begun() -> None:
    error = DualtrainError("away")
    patience = Patience(1.0)
    assert patience.wait_seconds(error, 0.3) == 0.3
    with pytest.raises(DualtrainError, match="away"):
        patience.wait_seconds(error, 5.0)


def test_waits_grow_up_to_a_bound_and_begin_anew_after_a_success(caplog: pytest.LogCaptureFixture) -> None:
    patience = Patience(60.0)
    waits = [patience.wait_seconds(DualtrainError("away")) for _ in range(9)]
    assert all(
        0.5 * most <= wait <= most for wait, most in zip(waits, (0.1, 0.2, 0.4, 0.8, 1.6, 2, 2, 2, 2), strict=True)
    )
    assert caplog.messages == ["away; asking again for 60 s"]  # once, not at the first waits
    patience.renew()
    assert patience.wait_seconds(DualtrainError("away")) <= 0.1


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_answer_of_a_proxy_is_waited_out(status: int) -> None:
    response = httpx2.Response(status, request=httpx2.Request("GET", NOBODY), text="<html>")
    assert 0 < seconds_or_raise(response, Patience(1.0)) <= 0.1
    with pytest.raises(ApiError, match="unknown"):
        seconds_or_raise(response, Patience(0.0))


def test_a_full_queue_is_asked_again_when_it_says() -> None:
    full = {"code": "queue_full", "detail": "later"}
    request = httpx2.Request("POST", NOBODY)
    response = httpx2.Response(429, request=request, json=full, headers={"Retry-After": "7"})
    assert seconds_or_raise(response, Patience(60.0)) == 7.0


def test_an_answer_that_will_not_change_is_raised_at_once() -> None:
    response = httpx2.Response(404, request=httpx2.Request("GET", NOBODY), json={"code": "not_found", "detail": "no"})
    with pytest.raises(ApiError, match="not_found"):
        seconds_or_raise(response, Patience(60.0))


def test_an_address_that_cannot_be_asked_is_not_asked_again() -> None:
    started = time.monotonic()
    with Client("localhost:8000", patience_seconds=30) as client, pytest.raises(Unreachable, match="cannot be asked"):
        client.job("any")
    assert time.monotonic() - started < 2


@pytest.mark.parametrize("answer", [{"text": "<html>"}, {"json": {}}, {"json": []}, {"json": None}])
def test_another_program_s_answer_is_no_list(answer: dict[str, Any]) -> None:
    request = httpx2.Request("GET", "http://127.0.0.1:9/v1/jobs")
    with pytest.raises(Unreachable, match=r"127\.0\.0\.1:9/v1/jobs was answered, but not by dualtrain, or by another"):
        listed(httpx2.Response(200, request=request, **answer))
    assert listed(httpx2.Response(200, request=request, json={"data": [{"id": "a"}]})) == [{"id": "a"}]
