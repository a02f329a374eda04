"""Other servers than plain Redis: RabbitMQ with a quorum queue as broker, Redis behind TLS and a password."""

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
from kombu import Connection, Queue
from redis import Redis, RedisError

from dualtrain.core.data import load
from dualtrain.core.job import Job, Status
from dualtrain.core.loop import Training
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Jobs, connect
from dualtrain.core.store.broker import QUEUE
from dualtrain.core.train import run
from tests.waiting import until

RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")
SPEC = {"gradient": {"method": "per-neuron"}, "max_steps": 20, "shards": 2}
LIMIT_SECONDS = 100.0


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@contextmanager
def process(command: list[str], environment: Mapping[str, str]) -> Iterator[None]:
    running = subprocess.Popen(command, env={**os.environ, **environment}, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait(30)


def train(settings: Settings) -> Job:
    """Run a job by an aggregator and a worker of these settings; return it at its end."""
    wanted = JobSpec.model_validate(SPEC).model_dump(mode="json")
    job = Job(id="job-broker", name="", status=Status.QUEUED, created_at=now(), spec=wanted)
    with ExitStack() as stack, connect(settings.redis_url) as store:
        jobs = Jobs(store)
        for module in (
            ["dualtrain.api.aggregator"],
            ["celery", "-A", "dualtrain.worker.app", "worker", "--concurrency=1"],
        ):
            stack.enter_context(process([sys.executable, "-m", *module], settings.environment()))
        jobs.create(job, 5, 10)
        until(lambda: jobs.status(job.id) is Status.SUCCEEDED, LIMIT_SECONDS, "the job's end")
        return jobs.get(job.id)


def quiet(settings: Settings) -> str:
    training = Training(JobSpec.model_validate(SPEC), load("mnist", 12, settings.data_dir, ()))
    return digest(run(training).parameters)


@pytest.fixture
def rabbitmq(tmp_path: Path) -> Iterator[str]:
    """A RabbitMQ node of its own."""
    if not RABBITMQ.exists():
        pytest.skip("needs RabbitMQ: apt-get install rabbitmq-server")
    port, distribution, mapper = free_port(), free_port(), free_port()
    environment = {
        "HOME": str(tmp_path),
        "RABBITMQ_NODENAME": f"test{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": str(port),
        "RABBITMQ_DIST_PORT": str(distribution),
        "ERL_EPMD_PORT": str(mapper),
        "RABBITMQ_MNESIA_BASE": str(tmp_path / "data"),
        "RABBITMQ_LOG_BASE": str(tmp_path / "logs"),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(tmp_path / "plugins"),
    }
    url = f"amqp://guest:guest@127.0.0.1:{port}//"
    with process([str(RABBITMQ)], environment):
        until(lambda: reachable(url), LIMIT_SECONDS, "RabbitMQ")
        yield url
    subprocess.run(["epmd", "-port", str(mapper), "-kill"], capture_output=True, check=False)


def reachable(url: str) -> bool:
    try:
        with Connection(url) as connection:
            connection.ensure_connection(max_retries=1, timeout=2)
            return True
    except Exception:
        return False


@pytest.mark.timeout(300)
def test_a_job_runs_over_a_quorum_queue_of_rabbitmq(settings: Settings, rabbitmq: str) -> None:
    with_rabbitmq = settings.model_copy(update={"broker_url": rabbitmq})
    assert train(with_rabbitmq).model.sha256 == quiet(settings)
    with Connection(rabbitmq) as connection, connection.channel() as channel:
        durable: dict[str, Any] = {"durable": True, "queue_arguments": {"x-queue-type": "quorum"}}
        Queue(QUEUE, **durable, channel=channel).queue_declare()  # refused if it were of another type


@pytest.fixture
def secured(tmp_path: Path) -> Iterator[str]:
    """A Redis behind TLS and a password."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None or shutil.which("openssl") is None:
        pytest.skip("needs openssl and a redis-server with TLS: apt-get install redis-server openssl")
    certificate, key, port = tmp_path / "certificate.pem", tmp_path / "key.pem", free_port()
    made = (
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=127.0.0.1",
        "-addext",
        "subjectAltName=IP:127.0.0.1",
    )
    subprocess.run(
        ["openssl", "req", "-x509", *made, "-keyout", key, "-out", certificate], check=True, capture_output=True
    )
    tls = (
        "--tls-cert-file",
        certificate,
        "--tls-key-file",
        key,
        "--tls-ca-cert-file",
        certificate,
        "--tls-auth-clients",
        "no",
    )
    command = [program, "--port", "0", "--tls-port", str(port), *tls, "--requirepass", "secret", "--save", ""]
    url = f"rediss://:secret@127.0.0.1:{port}/0?ssl_ca_certs={certificate}"
    with process(list(map(str, command)), {}):
        until(lambda: answers(url), LIMIT_SECONDS, "Redis behind TLS")
        yield url


def answers(url: str) -> bool:
    try:
        with Redis.from_url(url) as client:
            return bool(client.ping())
    except RedisError:
        return False


@pytest.mark.timeout(300)
def test_a_job_runs_over_redis_behind_tls_and_a_password(secured: str, data_dir: Path) -> None:
    settings = Settings(redis_url=secured, data_dir=data_dir)
    assert train(settings).model.sha256 == quiet(settings)
