"""The service as users meet it: uvicorn on a port, real servers behind it."""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest
import uvicorn
from pydantic import SecretStr
from redis import Redis

from dualtrain.api.app import create_app
from dualtrain.api.security import Scope
from dualtrain.api.security.keys import create
from dualtrain.api.server import server_config
from dualtrain.core.job import Reason, Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import Checkpoint, Checkpoints, Jobs, Lease, Leases, connect
from tests.waiting import until

Caller = Callable[..., httpx2.Client]
Serve = Callable[..., AbstractContextManager[str]]
START_SECONDS = 60.0


@contextmanager
def serving(settings: Settings, *, aggregator: bool = False) -> Iterator[str]:
    """Serve until the context ends; yield the URL."""
    app = create_app(settings, aggregator=aggregator)
    server = uvicorn.Server(server_config(app, settings, port=0, log_config=None, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run)
    thread.start()
    end = time.monotonic() + START_SECONDS
    while not server.started and time.monotonic() < end and thread.is_alive():
        time.sleep(0.01)
    host, port = server.servers[0].sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="session")
def serve() -> Serve:
    """Return the function that serves other settings than the shared service has."""
    return serving


@pytest.fixture(scope="session")
def served(store_url: str, exchange_url: str, data_dir: Path) -> Iterator[str]:
    """The URL of a service without aggregator and keys, which all tests of a process share."""
    with serving(Settings(redis_url=store_url, exchange_url=exchange_url, data_dir=data_dir)) as url:
        yield url


@pytest.fixture(scope="module")
def stack(
    store_url: str, exchange_url: str, data_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx2.Client]:
    """A client, with a key for everything, of a whole service: aggregator, one worker process, empty servers."""
    for url in (store_url, exchange_url):
        with connect(url) as server:
            server.flushall()
    keys = tmp_path_factory.mktemp("stack") / "keys.json"
    token = create(keys, "tester", frozenset({Scope.ADMIN}))
    settings = Settings(
        redis_url=store_url,
        exchange_url=exchange_url,
        data_dir=data_dir,
        api_keys_file=keys,
        webhook_secret=SecretStr("secret"),
    )
    command = (
        sys.executable,
        "-m",
        "celery",
        "-A",
        "dualtrain.worker.app",
        "worker",
        "--concurrency=1",
        "--loglevel=WARNING",
    )
    worker = subprocess.Popen(command, env={**os.environ, **settings.environment()}, stdin=subprocess.DEVNULL)
    try:
        headers = {"Authorization": f"Bearer {token}"}
        with (
            serving(settings, aggregator=True) as url,
            httpx2.Client(base_url=url, headers=headers, timeout=60) as client,
        ):
            until(lambda: client.get("/readyz").is_success, START_SECONDS, "a worker")
            yield client
    finally:
        worker.terminate()
        worker.wait()


@pytest.fixture
def client(served: str, settings: Settings) -> Iterator[httpx2.Client]:
    """A client of the shared service; store and exchange are empty."""
    with httpx2.Client(base_url=served, timeout=60) as client:
        yield client


@pytest.fixture
def jobs(store: Redis) -> Jobs:
    """The jobs in the store, for what aggregators would do to them."""
    return Jobs(store)


@pytest.fixture
def leases(store: Redis) -> Leases:
    """The right to write to jobs, as an aggregator has it."""
    return Leases(store)


@pytest.fixture
def submit(client: httpx2.Client) -> Callable[..., str]:
    """Return a function that posts a spec and returns the job's id."""

    def submit(**spec: Any) -> str:
        answer = client.post("/v1/jobs", json=spec)
        assert answer.status_code == 202, answer.text
        return str(answer.json()["id"])

    return submit


@pytest.fixture
def running(submit: Callable[..., str], jobs: Jobs, leases: Leases) -> Lease:
    """The lease of a running job."""
    job_id = submit()
    jobs.move(job_id, Status.RUNNING)
    lease = leases.acquire(job_id)
    assert lease
    return lease


@pytest.fixture
def checkpointed(store: Redis, leases: Leases) -> Callable[[str], str]:
    """Return a function that gives a job of the default network a checkpoint at step 7, and returns its id."""

    def checkpointed(job_id: str) -> str:
        lease = leases.acquire(job_id)
        assert lease
        Checkpoints(store).save(lease, Checkpoint(7, {"parameters": np.zeros(3110, np.float32)}, {}), {}, keep=1)
        return job_id

    return checkpointed


@pytest.fixture
def bring(jobs: Jobs) -> Callable[[str, Status], None]:
    """Return a function that brings a queued job to a status by legal moves."""

    def bring(job_id: str, status: Status) -> None:
        short: dict[Status, list[Status]] = {Status.QUEUED: [], Status.RUNNING: [status], Status.CANCELLED: [status]}
        for step in short.get(status, [Status.RUNNING, status]):
            jobs.move(job_id, step, Reason(code="test", message="moved by a test"))

    return bring


@pytest.fixture
def events() -> Callable[[httpx2.Response], Iterator[dict[str, Any]]]:
    """Return a function that yields the server-sent events of a streamed response: `event`, `id`, `data` as JSON."""

    def events(response: httpx2.Response) -> Iterator[dict[str, Any]]:
        event: dict[str, Any] = {}
        for line in response.iter_lines():
            if not line:
                if "data" in event:
                    yield event
                event = {}
            elif not line.startswith(":"):
                name, _, value = line.partition(": ")
                event[name] = json.loads(value) if name == "data" else value

    return events


@pytest.fixture(scope="session")
def keys_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the keys of `guarded` are."""
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
    store_url: str, exchange_url: str, data_dir: Path, keys_file: Path, tokens: dict[str, str]
) -> Iterator[str]:
    """The URL of a service with keys."""
    settings = Settings(redis_url=store_url, exchange_url=exchange_url, data_dir=data_dir, api_keys_file=keys_file)
    with serving(settings) as url:
        yield url


@pytest.fixture
def caller(guarded: str, tokens: dict[str, str], settings: Settings) -> Iterator[Caller]:
    """Return a function that returns the client of a name, or of nobody."""
    clients: list[httpx2.Client] = []

    def caller(name: str | None = None) -> httpx2.Client:
        headers = {"Authorization": f"Bearer {tokens[name]}"} if name else {}
        clients.append(httpx2.Client(base_url=guarded, headers=headers, timeout=30))
        return clients[-1]

    yield caller
    for client in clients:
        client.close()
