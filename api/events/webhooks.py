"""Webhooks: signed POSTs about a job, as standardwebhooks.com has them, with retries, never to private addresses.

`webhook-signature` is `v1,` and the base64 of the HMAC-SHA256 of `ID.TIMESTAMP.BODY`, keyed with the operator's secret:
the bytes behind `whsec_`, which are written in base64, or a text of another form as it is.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import socket
import time
from collections import Counter
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

import httpx2
import structlog
from pydantic import SecretStr
from starlette.concurrency import run_in_threadpool

from dualtrain.api.security.webhook_urls import WebhookRefused, check_url, is_public
from dualtrain.api.services import Services
from dualtrain.core.job import Job
from dualtrain.core.runtime.times import iso
from dualtrain.core.store import ServerError, UnknownJob, Webhooks
from dualtrain.core.store.webhooks import Delivery

PREFIX = "whsec_"
POLL_SECONDS = 1.0
AT_ONCE = 32
"""Calls that one process makes at a time."""
AT_ONCE_EACH = 2
"""Calls at a time for one API key, and to one host: slow receivers of one key hold up no other key's."""
PAGE = 100
SEARCHED = 5000
"""Due calls that are looked through for one that may begin now."""
TIMEOUT_SECONDS = 10.0
"""Of a whole call."""
CLAIM_SECONDS = 60.0
WAITS_SECONDS = (5.0, 30.0, 120.0, 600.0, 3600.0, 4 * 3600.0)
"""From one attempt to the next; after the last one the call is given up."""


def sign(secret: SecretStr, identifier: str, timestamp: int, body: bytes) -> str:
    """Return the value of `webhook-signature`."""
    signed = f"{identifier}.{timestamp}.".encode() + body
    mac = hmac.new(_key(secret.get_secret_value()), signed, hashlib.sha256)
    return "v1," + base64.b64encode(mac.digest()).decode()


def _key(secret: str) -> bytes:
    return base64.b64decode(secret.removeprefix(PREFIX)) if secret.startswith(PREFIX) else secret.encode()


async def send(job: Job, delivery: Delivery, secret: SecretStr, private: bool) -> int:
    """Call a job's webhook; return the HTTP status. Raises WebhookRefused, httpx2.HTTPError, OSError."""
    check_url(job.spec["webhook_url"], private)
    url = httpx2.URL(job.spec["webhook_url"])
    host = url.raw_host.decode()  # in the letters that DNS knows
    port = url.port or (443 if url.scheme == "https" else 80)
    address = await run_in_threadpool(_resolve, host, port, private)
    body = _body(job, delivery)
    identifier = f"{job.id}.{delivery.name}"
    timestamp = int(time.time())
    headers = {
        "host": url.netloc.decode(),
        "content-type": "application/json",
        "webhook-id": identifier,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": sign(secret, identifier, timestamp, body),
    }
    # The checked address itself is called: a name could be another address the next time it is looked up.
    target = url.copy_with(host=address)
    async with httpx2.AsyncClient(timeout=TIMEOUT_SECONDS, follow_redirects=False, trust_env=False) as client:
        request = client.build_request("POST", target, content=body, headers=headers,
                                       extensions={"sni_hostname": host})  # fmt: skip
        answer = await client.send(request, stream=True)
        await answer.aclose()
    return answer.status_code


def _body(job: Job, delivery: Delivery) -> bytes:
    """Return the JSON of a delivery: the event with the job's id, or the job as it is."""
    data = job.model_dump(mode="json")
    if delivery.data:
        data = {"job_id": job.id, **json.loads(delivery.data)}
    document = {"type": delivery.type, "timestamp": iso(delivery.created), "data": data}
    return json.dumps(document, separators=(",", ":")).encode()


class Calls:
    """The calls in progress: at most `AT_ONCE`, and `AT_ONCE_EACH` for each API key and each host."""

    def __init__(self) -> None:
        self.free = asyncio.Semaphore(AT_ONCE)
        self._open: Counter[str] = Counter()

    def has_room(self, names: Iterable[str]) -> bool:
        """Return whether one more call of this key and host may begin."""
        return all(self._open[name] < AT_ONCE_EACH for name in names)

    def begin(self, names: Iterable[str]) -> None:
        """Count a call, which has a place of `free`."""
        self._open.update(names)

    def end(self, names: Iterable[str]) -> None:
        """Give the places of a call back."""
        self._open.subtract(names)
        self.free.release()


async def deliver_forever(services: Services) -> None:
    """Call webhooks as they come due, several at a time."""
    if services.settings.webhook_secret is None:
        return
    webhooks, calls = Webhooks(services.store), Calls()
    async with asyncio.TaskGroup() as group:
        while True:
            await calls.free.acquire()
            due = await _next(services, webhooks, calls)
            if due is None:
                calls.free.release()
                await asyncio.sleep(POLL_SECONDS)
                continue
            job_id, name, attempt, names = due
            calls.begin(names)
            call = group.create_task(_call(services, webhooks, job_id, name, attempt))
            call.add_done_callback(lambda _, names=names: calls.end(names))  # type: ignore[misc]


Due = tuple[str, str, int, tuple[str, ...]]
"""A claimed call: its job, the name of its delivery, the attempt, and what it counts for."""


async def _next(services: Services, webhooks: Webhooks, calls: Calls) -> Due | None:
    """Claim a due call whose key and host have room."""
    try:
        return await run_in_threadpool(_claimed, services, webhooks, calls)
    except ServerError as error:
        structlog.get_logger().warning("webhooks wait for the store", error=str(error))
    except Exception:
        structlog.get_logger().exception("no webhook could be taken from the list")
    return None


def _claimed(services: Services, webhooks: Webhooks, calls: Calls) -> Due | None:
    for first in range(0, SEARCHED, PAGE):
        due = webhooks.due(first, PAGE)
        jobs = dict(services.jobs.fields({job_id for job_id, _ in due}, "owner", "spec"))
        for job_id, name in due:
            names = _counted_names(*jobs[job_id]) if job_id in jobs else ()
            if calls.has_room(names) and (attempt := webhooks.claim(job_id, name, CLAIM_SECONDS)):
                return job_id, name, attempt, names
        if len(due) < PAGE:
            break
    return None


def _counted_names(owner: str | None, spec: dict[str, Any]) -> tuple[str, ...]:
    host = f"host {urlsplit(spec['webhook_url']).netloc.lower()}"
    return (host, f"key {owner}") if owner else (host,)


async def _call(services: Services, webhooks: Webhooks, job_id: str, name: str, attempt: int) -> None:
    try:
        await _attempt(services, webhooks, job_id, name, attempt)
    except ServerError as error:
        structlog.get_logger().warning("webhooks wait for the store", error=str(error))
    except Exception:  # one job's call must not end all others'; it comes up again
        structlog.get_logger().exception("a webhook could not be called", job=job_id)


async def _attempt(services: Services, webhooks: Webhooks, job_id: str, name: str, attempt: int) -> None:
    state, outcome = await _outcome(services, webhooks, job_id, name)
    structlog.get_logger().info("webhook", job=job_id, delivery=name, attempt=attempt, outcome=outcome)
    if state is None and attempt <= len(WAITS_SECONDS):
        await run_in_threadpool(webhooks.again, job_id, name, WAITS_SECONDS[attempt - 1], outcome)
    else:
        await run_in_threadpool(webhooks.done, job_id, name, state or "given_up", outcome)


async def _outcome(services: Services, webhooks: Webhooks, job_id: str, name: str) -> tuple[str | None, str]:
    """Make a call; return the state of its delivery, None when it is to be tried again, and what happened."""
    assert services.settings.webhook_secret is not None
    try:
        job = await run_in_threadpool(services.jobs.get, job_id)
        delivery = await run_in_threadpool(webhooks.get, job_id, name)
        if delivery is None:
            return "given_up", "the delivery is gone"
        async with asyncio.timeout(TIMEOUT_SECONDS):
            status = await send(job, delivery, services.settings.webhook_secret, services.settings.webhook_private)
        return ("delivered" if 200 <= status < 300 else None), str(status)
    except UnknownJob:
        return "given_up", "the job was deleted"
    except WebhookRefused as error:
        return "refused", str(error)
    except (httpx2.HTTPError, OSError, ValueError) as error:
        return None, f"{type(error).__name__}: {error}"


def _resolve(host: str, port: int, private: bool) -> str:
    """Return an address of `host`. Raises WebhookRefused when any of its addresses is private."""
    addresses = [str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]
    hidden = [address for address in addresses if not is_public(address)]
    if hidden and not private:
        raise WebhookRefused(f"{host} is at {hidden[0]}, a private address")
    return addresses[0]
