"""Webhooks: what is sent, how it is signed, when it is sent again, where it is never sent."""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Event, Thread
from typing import Any

import httpx2
import pytest
from pydantic import SecretStr
from redis import Redis

from dualtrain.api.events import webhooks
from dualtrain.api.security.webhook_urls import WebhookRefused, check_url, is_public
from dualtrain.api.services import Services
from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.store import JobEvent, Jobs, Leases, Webhooks, keys
from tests.waiting import until

SECRET = "a secret of the operator"


class Receiver(HTTPServer):
    """Keeps what is posted to it; answers with the statuses it was given, then with 204."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self.asked: set[str] = set()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/hook?a=b"

    def wait(self, count: int) -> None:
        until(lambda: len(self.got) >= count, what=f"call {count}")


class _Handler(BaseHTTPRequestHandler):
    server: Receiver

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        self.server.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
        self._answer(self.server.statuses.pop(0) if self.server.statuses else 204)

    def do_GET(self) -> None:
        self._answer(204)

    def _answer(self, status: int) -> None:
        self.server.asked.add(f"{self.command} {self.path}")
        self.send_response(status)
        self.send_header("location", "/elsewhere")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def calling(
    serve: Callable[..., AbstractContextManager[str]], settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> Iterator[httpx2.Client]:
    """A client of a service that calls webhooks, also on loopback, and does not wait long."""
    monkeypatch.setattr(webhooks, "POLL_SECONDS", 0.05)
    monkeypatch.setattr(webhooks, "WAITS_SECONDS", (0.1, 0.1))
    chosen = {"webhook_secret": SECRET, "webhook_private": True}
    with (
        serve(Settings(**settings.model_dump(exclude=set(chosen)), **chosen)) as url,
        httpx2.Client(base_url=url) as client,
    ):
        yield client


def end_a_job(client: httpx2.Client, url: str) -> str:
    job_id = str(client.post("/v1/jobs", json={"webhook_url": url}).json()["id"])
    client.post(f"/v1/jobs/{job_id}/cancel")
    return job_id


def test_the_end_of_a_job_is_told_once_and_signed(calling: httpx2.Client, receiver: Receiver, store: Redis) -> None:
    job_id = end_a_job(calling, receiver.url)
    receiver.wait(1)
    time.sleep(0.3)
    ((headers, body),) = receiver.got
    told = json.loads(body)
    assert (told["type"], told["data"]["id"]) == ("job.cancelled", job_id)
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    expected = base64.b64encode(hmac.new(SECRET.encode(), signed, hashlib.sha256).digest()).decode()
    assert headers["webhook-signature"] == f"v1,{expected}"
    assert abs(int(headers["webhook-timestamp"]) - time.time()) < 10
    assert headers["host"] == f"127.0.0.1:{receiver.server_port}"
    assert store.zcard(keys.WEBHOOKS) == 0


def test_a_failed_call_is_made_again_with_the_same_id(calling: httpx2.Client, receiver: Receiver) -> None:
    receiver.statuses = [500, 302]
    end_a_job(calling, receiver.url)
    receiver.wait(3)
    assert len({headers["webhook-id"] for headers, _ in receiver.got}) == 1
    assert receiver.asked == {"POST /hook?a=b"}  # a redirect is a failure, and is not followed


def test_a_call_is_given_up_in_the_end(calling: httpx2.Client, receiver: Receiver, store: Redis) -> None:
    receiver.statuses = [500] * 10
    end_a_job(calling, receiver.url)
    receiver.wait(3)
    time.sleep(0.5)
    assert len(receiver.got) == 3
    assert store.zcard(keys.WEBHOOKS) == 0


def test_jobs_without_a_webhook_are_not_put_on_the_list(
    client: httpx2.Client, submit: Callable[..., str], jobs: Jobs, store: Redis
) -> None:
    jobs.move(submit(), Status.CANCELLED)
    assert store.zcard(keys.WEBHOOKS) == 0


def test_a_call_that_goes_wrong_in_an_unknown_way_does_not_end_the_others(
    calling: httpx2.Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, gone_wrong = webhooks.send, Event()

    async def send(job: Job, *others: Any) -> int:
        if job.spec["webhook_url"].endswith("odd"):
            gone_wrong.set()
            raise RuntimeError("odd")
        return await real(job, *others)

    monkeypatch.setattr(webhooks, "send", send)
    end_a_job(calling, receiver.url + "odd")
    assert gone_wrong.wait(10)
    end_a_job(calling, receiver.url)
    receiver.wait(1)


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "http://",
        "http://user:word@example.org/",
        "http://localhost/",
        "http://a.localhost./",
        "http://127.0.0.1:8000/v1/jobs",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://10.1.2.3/",
        "http://169.254.169.254/latest/meta-data",
        "http://0.0.0.0/",
        "http://example.org:99999/",
        "http://example.org/\x01",
        "http://example.org/a\nb",
        "http://exam\tple.org/",
        " http://example.org/",
        "http://example.org/\r",
        "http://[64:ff9b::10.0.0.1]/",
        "http://168.63.129.16/",
    ],
)
def test_private_and_odd_addresses_are_refused(url: str) -> None:
    with pytest.raises(WebhookRefused):
        check_url(url, private=False)


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True),
        ("2606:2800:220:1::1", True),
        ("64:ff9b::93.184.215.14", True),  # what a network with IPv6 alone makes of it
        ("64:ff9b::10.0.0.1", False),
        ("64:ff9b:1::1", False),
        ("2002:7f00:1::", False),
        ("2002:5db8:d70e::", True),
        ("::127.0.0.1", False),
        ("::ffff:10.0.0.1", False),
        ("fec0::1", False),
        ("fe80::1%eth0", False),
        ("ff02::1", False),
        ("224.0.0.1", False),
        ("168.63.129.16", False),
        ("169.254.169.254", False),
    ],
)
def test_special_addresses_are_not_public(address: str, public: bool) -> None:
    assert is_public(address) is public


def test_public_addresses_pass() -> None:
    check_url("https://example.org:8443/hook", private=False)
    check_url("http://93.184.215.14/", private=False)


def test_a_name_with_a_private_address_is_not_called() -> None:
    with pytest.raises(WebhookRefused, match="private"):
        webhooks._resolve("localhost", 80, private=False)
    assert webhooks._resolve("localhost", 80, private=True) in ("127.0.0.1", "::1")


def test_a_private_webhook_is_refused_when_it_is_posted(
    serve: Callable[..., AbstractContextManager[str]], settings: Settings
) -> None:
    guarded = Settings(**settings.model_dump(exclude={"webhook_secret"}), webhook_secret=SECRET)
    with serve(guarded) as url:
        answer = httpx2.post(f"{url}/v1/jobs", json={"webhook_url": "http://169.254.169.254/"})
    assert answer.json()["errors"][0]["pointer"] == "/webhook_url"


def test_a_secret_in_the_form_of_the_standard_is_the_bytes_in_it() -> None:
    """The example of the specification's own libraries."""
    secret, body = SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), b'{"test": 2432232314}'
    found = webhooks.sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_receivers_that_do_not_answer_hold_up_no_other(calling: httpx2.Client, receiver: Receiver) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections and says nothing
        for _ in range(webhooks.AT_ONCE + 10):
            end_a_job(calling, f"http://127.0.0.1:{silent.getsockname()[1]}/")
        time.sleep(0.5)
        started = time.monotonic()
        end_a_job(calling, receiver.url)
        receiver.wait(1)
        assert time.monotonic() - started < webhooks.TIMEOUT_SECONDS / 2


def test_calls_of_one_key_to_many_hosts_leave_places_to_others() -> None:
    async def scene() -> list[bool]:
        calls = webhooks.Calls()
        rooms = []
        for number in range(3):
            names = webhooks._counted_names("ann", {"webhook_url": f"http://host-{number}/"})
            rooms.append(calls.has_room(names))
            calls.begin(names)
        rooms.append(calls.has_room(webhooks._counted_names("bob", {"webhook_url": "http://host-9/"})))
        return rooms

    assert asyncio.run(scene()) == [True, True, False, True]


def test_a_call_that_trickles_is_given_up(
    calling: httpx2.Client, store: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks, "TIMEOUT_SECONDS", 0.5)
    monkeypatch.setattr(webhooks, "WAITS_SECONDS", ())
    stop = Event()

    def trickle(server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            while not stop.wait(0.2):
                connection.send(b"H")

    with socket.create_server(("127.0.0.1", 0)) as slow:
        thread = Thread(target=trickle, args=(slow,), daemon=True)
        thread.start()
        end_a_job(calling, f"http://127.0.0.1:{slow.getsockname()[1]}/")
        until(lambda: store.zcard(keys.WEBHOOKS) == 0, 8, "giving up")
        stop.set()


def test_a_host_with_letters_of_its_own_is_called(
    calling: httpx2.Client, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def resolve(host: str, port: int, private: bool) -> str:
        asked.append(host)
        return "127.0.0.1"

    monkeypatch.setattr(webhooks, "_resolve", resolve)
    end_a_job(calling, f"http://b\u00fccher.example:{receiver.server_port}/hook")
    receiver.wait(1)
    assert asked == ["xn--bcher-kva.example"]
    assert receiver.got[0][0]["host"] == f"xn--bcher-kva.example:{receiver.server_port}"


@pytest.mark.parametrize("attempt", range(1, len(webhooks.WAITS_SECONDS) + 2))
def test_each_wait_is_longer_until_the_call_is_given_up(
    settings: Settings, store: Redis, receiver: Receiver, attempt: int
) -> None:
    jobs, waits = Jobs(store), webhooks.WAITS_SECONDS
    jobs.create(
        Job(id="job-1", name="", status=Status.QUEUED, created_at=now(), spec={"webhook_url": receiver.url}), 5, 10
    )
    jobs.move("job-1", Status.CANCELLED)
    receiver.statuses = [500]
    chosen = settings.model_copy(update={"webhook_secret": SecretStr(SECRET), "webhook_private": True})
    asyncio.run(webhooks._attempt(Services.of(chosen), Webhooks(store), "job-1", "cancelled.2", attempt))
    due = store.zscore(keys.WEBHOOKS, "job-1/cancelled.2")
    if attempt > len(waits):
        assert due is None
    else:
        assert due == pytest.approx(time.time() + waits[attempt - 1], abs=3)
        assert list(waits) == sorted(set(waits))


def test_start_evaluations_and_end_are_told_and_can_be_sent_again(
    calling: httpx2.Client, receiver: Receiver, jobs: Jobs, leases: Leases
) -> None:
    spec = {"webhook_url": receiver.url, "webhook_events": ["started", "evaluation", "ended"]}
    job_id = str(calling.post("/v1/jobs", json=spec).json()["id"])
    jobs.move(job_id, Status.RUNNING)
    receiver.wait(1)
    lease = leases.acquire(job_id)
    assert lease
    jobs.commit(lease, [JobEvent("evaluation", 7, {"step": 7, "test_accuracy": 0.1 + 0.2})])
    receiver.wait(2)
    jobs.move(job_id, Status.SUCCEEDED)
    receiver.wait(3)
    told = [json.loads(body) for _, body in receiver.got]
    assert [one["type"] for one in told] == ["job.started", "job.evaluation", "job.succeeded"]
    assert told[1]["data"] == {"job_id": job_id, "step": 7, "test_accuracy": 0.1 + 0.2}

    def deliveries() -> list[dict[str, Any]]:
        return list(calling.get(f"/v1/jobs/{job_id}/webhooks").json()["data"])

    until(lambda: {one["state"] for one in deliveries()} == {"delivered"}, 10, "the deliveries")
    assert [one["outcome"] for one in deliveries()] == ["204"] * 3
    name = deliveries()[1]["id"]
    assert calling.post(f"/v1/jobs/{job_id}/webhooks/{name}/send").status_code == 202
    receiver.wait(4)
    assert receiver.got[3][0]["webhook-id"] == receiver.got[1][0]["webhook-id"] == f"{job_id}.{name}"
    assert calling.post(f"/v1/jobs/{job_id}/webhooks/nothing/send").status_code == 404


def test_a_receiver_with_the_standards_library_accepts_the_call(
    settings: Settings, store: Redis, receiver: Receiver
) -> None:
    library = pytest.importorskip("standardwebhooks", reason="the package standardwebhooks is not installed")
    secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
    jobs = Jobs(store)
    spec = {"webhook_url": receiver.url}
    jobs.create(Job(id="job-1", name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 10)
    jobs.move("job-1", Status.CANCELLED)
    chosen = settings.model_copy(update={"webhook_secret": SecretStr(secret), "webhook_private": True})
    asyncio.run(webhooks._attempt(Services.of(chosen), Webhooks(store), "job-1", "cancelled.2", 1))
    ((headers, body),) = receiver.got
    assert library.Webhook(secret).verify(body, headers)["type"] == "job.cancelled"
    with pytest.raises(library.WebhookVerificationError):
        library.Webhook(secret).verify(body + b" ", headers)
