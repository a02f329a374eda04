"""Messages on Celery's queue that no aggregator sent."""

import base64
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any

import psutil
import pytest
from redis import Redis

from dualtrain.api.aggregator.aggregator import Aggregator
from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Jobs, keys
from dualtrain.core.store.broker import QUEUE, TASK
from tests.waiting import until

SPEC = {"gradient": {"method": "per-neuron"}, "max_steps": 3}


def message(headers: Any = None, body: bytes = b"[[], {}, {}]", **properties: Any) -> bytes:
    """Return a message in kombu's form for Redis."""
    fixed = {"body_encoding": "base64", "delivery_tag": "tag", "delivery_info": {"exchange": "", "routing_key": QUEUE}}
    document = {
        "body": base64.b64encode(body).decode(),
        "content-type": "application/json",
        "content-encoding": "utf-8",
        "headers": {"task": TASK, "id": "id"} if headers is None else headers,
        "properties": fixed | properties,
    }
    return json.dumps(document).encode()


POISON = {
    "no JSON": b"not json",
    "no text": b"\xff\xfe\x00",
    "a list": b"[]",
    "null": b"null",
    "a number": b"7",
    "an empty object": b"{}",
    "deep nesting": b"[" * 100_000,
    "headers that are a list": message(headers=[]),
    "no headers": message(headers={}),
    "another task": message(headers={"task": "os.system", "id": "id"}),
    "a task without arguments": message(),
    "a task with wrong arguments": message(body=b'[["job", "x"], {}, {}]'),
    "a body that is no JSON": message(body=b"\x80\x04."),
    "an unknown encoding": message(body_encoding="rot13"),
    "time limits of text": message(headers={"task": TASK, "id": "id", "timelimit": ["a", "b"]}),
    "a start at no time": message(headers={"task": TASK, "id": "id", "eta": "never"}),
    "an end at no time": message(headers={"task": TASK, "id": "id", "expires": ["x"]}),
    "an id that is a list": message(headers={"task": TASK, "id": []}),
    "a priority of text": message(priority="high"),
    "null as body": message(body=b"null"),
    "a callback": message(body=json.dumps([["job", 1], {}, {"callbacks": [{"task": "os.system"}]}]).encode()),
    "an old form with time limits": message(
        headers={}, body=json.dumps({"task": TASK, "id": "1", "args": [], "timelimit": ["a", "b"]}).encode()
    ),
}


@pytest.fixture(scope="module")
def worker(store_url: str, exchange_url: str, data_dir: Any) -> Iterator[psutil.Popen]:
    """A worker with one process on the shared servers."""
    settings = Settings(redis_url=store_url, exchange_url=exchange_url, data_dir=data_dir)
    command = [sys.executable, "-m", "celery", "-A", "dualtrain.worker.app", "worker", "--concurrency=1"]
    with subprocess.Popen(command, env={**os.environ, **settings.environment()}, stdin=subprocess.DEVNULL) as process:
        yield psutil.Process(process.pid)
        process.terminate()


def ended(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("name", POISON)
def test_a_worker_survives_every_message(worker: psutil.Process, exchange: Redis, name: str) -> None:
    queue = keys.CELERY + QUEUE
    exchange.lpush(queue, POISON[name])
    until(lambda: not exchange.llen(queue) or ended(worker))
    assert not ended(worker)


def test_the_worker_of_these_messages_still_computes(worker: psutil.Process, store: Redis, settings: Settings) -> None:
    spec = JobSpec.model_validate(SPEC).model_dump(mode="json")
    jobs = Jobs(store)
    jobs.create(Job(id="job-poison", name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 10)
    aggregator = Aggregator(settings)
    thread = threading.Thread(target=aggregator.run)
    thread.start()
    try:
        until(lambda: jobs.status("job-poison") is Status.SUCCEEDED)
    finally:
        aggregator.stopping.set()
        thread.join()
    assert not ended(worker)
