"""The service's own processes for a benchmark: two servers on Unix sockets, a worker, an aggregator."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

from redis import ConnectionError as NoConnection

from dualtrain.client.stack import servers
from dualtrain.core.job import ENDED, Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Exchange, Jobs, connect

POLL_SECONDS = 0.1
"""Seldom: what asks takes time from what is measured."""
WAIT_SECONDS = 300.0


@dataclass(frozen=True)
class Plant:
    """A running service without HTTP: jobs are put into the store directly."""

    settings: Settings
    jobs: Jobs
    exchange: Exchange
    folder: Path

    def submit(self, **spec: Any) -> str:
        """Queue a job; return its id."""
        wanted = JobSpec.model_validate(spec).model_dump(mode="json")
        job = Job(id=f"job-{token_hex(6)}", name="", status=Status.QUEUED, created_at=now(), spec=wanted)
        self.jobs.create(job, 5, 1000)
        return job.id

    def finish(self, job_id: str) -> Job:
        """Wait for a job to succeed; return it."""
        wait_until(lambda: self.jobs.status(job_id) in ENDED)
        job = self.jobs.get(job_id)
        assert job.status is Status.SUCCEEDED, job
        return job


@contextmanager
def plant(
    workers: int, data_dir: Path, aggregator: bool = True, worker_app: str = "dualtrain.worker.app"
) -> Iterator[Plant]:
    """Run the service with so many worker processes."""
    _end_as_interrupted()
    with tempfile.TemporaryDirectory(prefix="dualtrain-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        urls = {role: stack.enter_context(_server(role, folder)) for role in servers.ROLES}
        settings = Settings(redis_url=urls["store"], exchange_url=urls["exchange"], data_dir=data_dir)
        exchange = Exchange(connect(settings.exchange_url))
        if workers:
            options = ("--loglevel", "WARNING", "--without-gossip", "--without-mingle", "--without-heartbeat")
            command = ("celery", "-A", worker_app, "worker", "--concurrency", str(workers), *options)
            stack.enter_context(process(command, settings, folder / "worker.log"))
            wait_until(lambda: exchange.count_workers() == workers)
        if aggregator:
            stack.enter_context(process(("dualtrain.api.aggregator",), settings, folder / "aggregator.log"))
        yield Plant(settings, Jobs(connect(settings.redis_url)), exchange, folder)


@contextmanager
def stack(data_dir: Path) -> Iterator[str]:
    """Run `dualtrain up` with two workers on servers of its own; yield its address."""
    command = (
        sys.executable,
        "-m",
        "dualtrain.client",
        "up",
        "--port",
        "0",
        "--workers",
        "2",
        "--data-dir",
        str(data_dir),
    )
    _end_as_interrupted()
    running = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert running.stdout
        yield next(line.strip() for line in running.stdout if line.startswith("http"))
    finally:
        running.send_signal(signal.SIGINT)
        running.wait()


def _end_as_interrupted() -> None:
    """Let SIGTERM raise KeyboardInterrupt here, or what was started would be left behind."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


@contextmanager
def process(module: tuple[str, ...], settings: Settings, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run `python -m MODULE ...` with these settings, one BLAS thread."""
    threads = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    environment = {**os.environ, **threads, **settings.environment()}
    with log.open("wb") as file:
        running = subprocess.Popen(
            [sys.executable, "-m", *module], env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=file
        )
        try:
            yield running
        finally:
            running.terminate()
            running.wait()


def wait_until(true: Callable[[], object]) -> None:
    """Wait until `true()`. Raises TimeoutError."""
    end = time.monotonic() + WAIT_SECONDS
    while not true():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {WAIT_SECONDS} s")
        time.sleep(POLL_SECONDS)


@contextmanager
def _server(role: str, folder: Path) -> Iterator[str]:
    place, socket = folder / role, folder / f"{role}.socket"
    place.mkdir()
    running = subprocess.Popen(servers.command(servers.find(), role, socket, place), stdout=subprocess.DEVNULL)
    try:
        with connect(servers.url(socket)) as client:
            wait_until(lambda: _answers(client))
        yield servers.url(socket)
    finally:
        running.terminate()
        running.wait()


def _answers(client: Any) -> bool:
    try:
        return bool(client.ping())
    except NoConnection:
        return False
