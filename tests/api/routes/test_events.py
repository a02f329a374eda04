"""Server-sent events: order, resumption, the seam between kept and live ones, the window, the end."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
from redis import Redis

from dualtrain.api.events.broadcast import Listener, Message
from dualtrain.api.routes.events import PAGE, _joined, _nothing
from dualtrain.core.job import Status
from dualtrain.core.store import Event, JobEvent, Jobs, Lease, keys, replay
from dualtrain.core.store.events import JOB_WINDOW

Events = Callable[[httpx2.Response], Iterator[dict[str, Any]]]
Submit = Callable[..., str]


def tell(jobs: Jobs, lease: Lease, steps: range) -> None:
    for step in steps:
        jobs.commit(lease, [JobEvent("step", step, {"step": step})])


def test_a_stream_begins_with_what_is_kept_and_ends_with_done(
    client: httpx2.Client, jobs: Jobs, running: Lease, events: Events
) -> None:
    tell(jobs, running, range(1, 4))
    jobs.move(running.job_id, Status.SUCCEEDED)
    with client.stream("GET", f"/v1/jobs/{running.job_id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        assert response.headers["cache-control"] == "no-cache"
        found = list(events(response))
    assert [one["event"] for one in found] == ["status", "status", "step", "step", "step", "status", "done"]
    assert found[-1]["data"] == {"job_id": running.job_id, "status": "succeeded"}
    assert all(one["data"]["job_id"] == running.job_id for one in found)


def test_no_event_is_lost_or_doubled_between_kept_and_live_ones(
    client: httpx2.Client, jobs: Jobs, running: Lease, events: Events
) -> None:
    def work() -> None:
        tell(jobs, running, range(1, 300))
        jobs.move(running.job_id, Status.SUCCEEDED)

    thread = threading.Thread(target=work)
    thread.start()
    found: list[list[int]] = []
    for _ in range(3):  # listeners that come in the middle
        with client.stream("GET", f"/v1/jobs/{running.job_id}/events") as response:
            found.append([one["data"]["step"] for one in events(response) if one["event"] == "step"])
    thread.join()
    assert found == [list(range(1, 300))] * 3


def test_a_listener_goes_on_after_its_last_event(
    client: httpx2.Client, jobs: Jobs, running: Lease, events: Events
) -> None:
    tell(jobs, running, range(1, 6))
    seen: list[dict[str, Any]] = []
    with client.stream("GET", f"/v1/jobs/{running.job_id}/events") as response:
        for event in events(response):
            seen.append(event)
            if event["event"] == "step" and event["data"]["step"] == 3:
                break
    jobs.move(running.job_id, Status.CANCELLED)
    with client.stream(
        "GET", f"/v1/jobs/{running.job_id}/events", headers={"Last-Event-ID": seen[-1]["id"]}
    ) as response:
        rest = list(events(response))
    assert [one["data"].get("step") for one in rest if one["event"] == "step"] == [4, 5]
    assert [one["event"] for one in rest[-2:]] == ["status", "done"]


def test_a_replay_is_read_in_pieces(
    client: httpx2.Client, jobs: Jobs, running: Lease, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    sizes: list[int] = []

    def recorded(*arguments: Any) -> tuple[list[Event], bool]:
        page, lost = replay(*arguments)
        sizes.append(len(page))
        return page, lost

    monkeypatch.setattr("dualtrain.api.routes.events.replay", recorded)
    tell(jobs, running, range(1, 500))
    jobs.move(running.job_id, Status.SUCCEEDED)
    with client.stream("GET", f"/v1/jobs/{running.job_id}/events") as response:
        steps = [one["data"]["step"] for one in events(response) if one["event"] == "step"]
    assert steps == list(range(1, 500))
    assert max(sizes) == PAGE


def test_a_listener_whose_id_fell_out_of_the_window_is_told(
    client: httpx2.Client, jobs: Jobs, running: Lease, events: Events, store: Redis
) -> None:
    (first, _), *_ = store.xrange(keys.events(running.job_id), count=1)
    tell(jobs, running, range(1, JOB_WINDOW + 300))
    jobs.move(running.job_id, Status.CANCELLED)
    headers = {"Last-Event-ID": first.decode()}
    with client.stream("GET", f"/v1/jobs/{running.job_id}/events", headers=headers) as response:
        found = list(events(response))
    assert found[0]["event"] == "gap"
    assert "history" in found[0]["data"]["message"]
    assert JOB_WINDOW <= len(found) <= JOB_WINDOW + 200


@pytest.mark.parametrize("last_id", ["x", "1", "-", "1-2-3", "9" * 30 + "-0"])
def test_an_id_that_is_none_is_refused(client: httpx2.Client, running: Lease, last_id: str) -> None:
    answer = client.get(f"/v1/jobs/{running.job_id}/events", headers={"Last-Event-ID": last_id})
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (422, "unknown_event_id")


def test_an_unknown_job_has_no_events(client: httpx2.Client) -> None:
    assert client.get("/v1/jobs/job-0/events").status_code == 404


def test_one_stream_tells_of_all_jobs_from_now_on(
    client: httpx2.Client, jobs: Jobs, submit: Submit, running: Lease, events: Events
) -> None:
    tell(jobs, running, range(1, 3))
    found: list[dict[str, Any]] = []
    with client.stream("GET", "/v1/events") as response:
        stream = events(response)
        time.sleep(0.3)  # the listener is there once its first comment went out
        other = submit()
        tell(jobs, running, range(3, 5))
        found = [next(stream) for _ in range(3)]
    assert [one["data"]["job_id"] for one in found] == [other, running.job_id, running.job_id]
    with client.stream("GET", "/v1/events", headers={"Last-Event-ID": found[0]["id"]}) as response:
        stream = events(response)
        assert [next(stream)["id"] for _ in range(2)] == [one["id"] for one in found[1:]]


def test_a_hundred_listeners_share_one_connection(
    client: httpx2.Client, served: str, jobs: Jobs, running: Lease, events: Events, store: Redis
) -> None:
    before = len(store.client_list())
    found: list[list[int]] = []

    def listen() -> None:
        url = f"{served}/v1/jobs/{running.job_id}/events"
        with httpx2.stream("GET", url, timeout=30) as response:
            found.append([one["data"]["step"] for one in events(response) if one["event"] == "step"])

    threads = [threading.Thread(target=listen) for _ in range(100)]
    for thread in threads:
        thread.start()
    tell(jobs, running, range(1, 50))
    connections = len(store.client_list())
    jobs.move(running.job_id, Status.SUCCEEDED)
    for thread in threads:
        thread.join()
    assert found == [list(range(1, 50))] * 100
    assert connections - before <= 64  # the threads of the process, however many listen


def test_a_listener_that_hangs_up_in_the_middle_is_no_error(
    client: httpx2.Client, jobs: Jobs, running: Lease, caplog: pytest.LogCaptureFixture
) -> None:
    tell(jobs, running, range(1, 500))
    for chunks in range(30):  # where it hangs up decides which of the server's writers finds out
        with client.stream("GET", f"/v1/jobs/{running.job_id}/events") as response:
            list(zip(range(chunks // 2), response.iter_raw(), strict=False))
    client.get("/livez")
    time.sleep(0.5)
    assert [record.getMessage() for record in caplog.records if record.levelname == "ERROR"] == []


def test_what_a_listener_has_seen_is_not_told_again_when_it_is_read_late() -> None:
    async def scene() -> list[str]:
        listener = Listener("j")
        for sequence in (6, 7, 8):
            listener.hand(Message.of(Event("step", "j", {"step": sequence}, f"5-{sequence}")))
        listener.queue.put_nowait(None)
        return [message.event.id async for message in _joined(_nothing(), listener, "5-7", False) if message]

    assert asyncio.run(scene()) == ["5-8"]


def test_a_listener_to_all_jobs_is_told_of_a_gap_too(
    client: httpx2.Client, jobs: Jobs, running: Lease, events: Events, store: Redis
) -> None:
    (first, _), *_ = store.xrange(keys.EVENTS, count=1)
    tell(jobs, running, range(1, 5))
    store.xtrim(keys.EVENTS, maxlen=3, approximate=False)
    with client.stream("GET", "/v1/events", headers={"Last-Event-ID": first.decode()}) as response:
        stream = events(response)
        assert [next(stream)["event"] for _ in range(3)] == ["gap", "step", "step"]
