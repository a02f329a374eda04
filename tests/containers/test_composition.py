"""The composition as a whole, on a Docker engine: `make containers`."""

import json
import subprocess
from typing import Any

import httpx2
import pytest

from tests.containers.stack import WORKERS, Stack, command, example, inspect, log, until

pytestmark = [pytest.mark.containers, pytest.mark.timeout(1200)]

JOB_SECONDS = 400.0
FLOWER = "http://127.0.0.1:5555/"
SERVICES = ("store", "exchange", "api", "worker")
SPEC = {"epochs": 4}
"""The default job, long enough that it still runs when the API has been killed too."""


def test_four_workers_tell_that_they_live(stack: Stack) -> None:
    with stack.client() as client:
        hosts = until("four workers", lambda: _hosts(client) if len(_hosts(client)) == WORKERS else None, 60)
    assert hosts == {inspect(container)["Config"]["Hostname"] for container in stack.containers("worker")}


def test_containers_become_healthy(stack: Stack) -> None:
    everyone = [container for service in SERVICES for container in stack.containers(service)]
    assert len(everyone) == len(SERVICES) - 1 + WORKERS
    for container in everyone:
        until("healthy", lambda of=container: inspect(of)["State"]["Health"]["Status"] == "healthy", 90)


def test_only_the_api_is_published(stack: Stack) -> None:
    published = {
        service: [port for ports in inspect(container)["NetworkSettings"]["Ports"].values() for port in ports or []]
        for service in SERVICES
        for container in stack.containers(service)
    }
    assert [service for service, ports in published.items() if ports] == ["api"]
    assert {port["HostIp"] for port in published["api"]} == {"127.0.0.1"}


@pytest.mark.parametrize("service", ["api", "worker"])
def test_processes_are_nobody_on_a_file_system_they_cannot_write(stack: Stack, service: str) -> None:
    assert stack.inside(service, "id", "-u") == "10001"
    status = stack.inside(service, "cat", "/proc/1/status")
    facts = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
    assert int(facts["CapEff"], 16) == 0
    assert facts["NoNewPrivs"] == "1"
    assert stack.refuses(service, "touch", "/opt/dualtrain/written")
    assert not stack.refuses(service, "touch", "/data/written")


def test_the_image_has_no_compiler(stack: Stack) -> None:
    found = stack.inside("api", "sh", "-c", "command -v cc gcc g++ clang tcc make || echo none")
    assert found == "none"
    size = int(command("docker", "image", "inspect", "--format", "{{.Size}}", "dualtrain:test"))
    log.info("image: %.0f MB", size / 1e6)


@pytest.mark.parametrize("role", ["store", "exchange"])
def test_redis_asks_for_a_password(stack: Stack, role: str) -> None:
    assert "NOAUTH" in stack.inside(role, "env", "-u", "REDISCLI_AUTH", "redis-cli", "info")


def test_the_store_keeps_and_the_exchange_forgets(stack: Stack) -> None:
    assert _configured(stack, "store", "appendonly") == "yes"
    assert _configured(stack, "store", "appendfsync") == "always"
    assert _configured(stack, "exchange", "appendonly") == "no"
    assert {_configured(stack, role, "maxmemory-policy") for role in ("store", "exchange")} == {"noeviction"}


def test_strangers_are_refused(stack: Stack) -> None:
    assert httpx2.get(f"{stack.url}/v1/jobs").status_code == httpx2.codes.UNAUTHORIZED
    assert httpx2.get(f"{stack.url}/livez").status_code == httpx2.codes.OK


def test_the_default_job_survives_the_loss_of_a_worker_and_of_the_api(stack: Stack) -> None:
    with stack.client() as client:
        job = client.post("/v1/jobs", json=SPEC).raise_for_status().json()
        until("a hundred steps", lambda: _job(client, job["id"])["progress"]["step"] >= 100, JOB_SECONDS)
        _kill(stack, "worker")
        before = until("a hundred more", lambda: _past(client, job["id"], 200), JOB_SECONDS)
        _kill(stack, "api")
        until("the API answers again", lambda: client.get("/livez").is_success, 90)
        done = until("ended", lambda: _ended(client, job["id"]), JOB_SECONDS)
    assert done["status"] == "succeeded", done["status_reason"]
    assert before["progress"]["step"] < done["progress"]["step"] == done["progress"]["total_steps"]
    assert done["metrics"]["test_accuracy"] > 0.8
    assert done["model"]["sha256"] == _undisturbed(stack)["sha256"]
    log.info("job: %s, %s, sha256 %s", done["progress"], done["metrics"], done["model"]["sha256"])


def test_flower_asks_for_a_login(stack: Stack) -> None:
    stack.run("--profile", "monitoring", "up", "-d", "--build", "flower")
    name, _, password = example()["FLOWER_LOGIN"].partition(":")
    asked = until("an answer", lambda: httpx2.get(FLOWER), 90)
    assert asked.status_code == httpx2.codes.UNAUTHORIZED
    assert httpx2.get(FLOWER, auth=(name, password)).is_success


def _configured(stack: Stack, role: str, name: str) -> str:
    return stack.inside(role, "redis-cli", "config", "get", name).splitlines()[1]


def _hosts(client: httpx2.Client) -> set[str]:
    return {worker["host"] for worker in client.get("/v1/workers").raise_for_status().json()["data"]}


def _job(client: httpx2.Client, job_id: str) -> dict[str, Any]:
    found: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").raise_for_status().json()
    return found


def _past(client: httpx2.Client, job_id: str, step: int) -> dict[str, Any] | None:
    job = _job(client, job_id)
    return job if job["progress"]["step"] >= step else None


def _ended(client: httpx2.Client, job_id: str) -> dict[str, Any] | None:
    job = _job(client, job_id)
    return job if job["status"] in ("succeeded", "failed", "cancelled") else None


def _kill(stack: Stack, service: str) -> None:
    """Kill every process of a container, as the kernel would for want of memory; the engine starts it again."""
    container = stack.containers(service)[0]
    started = inspect(container)["State"]["StartedAt"]
    subprocess.run(["docker", "exec", container, "sh", "-c", "kill -9 -1"], check=False)
    until(f"{service} started again", lambda: inspect(container)["State"]["StartedAt"] != started, 60)


def _undisturbed(stack: Stack) -> dict[str, Any]:
    """Return the result of the same run in one process."""
    settings = [f"--set={key}={json.dumps(value)}" for key, value in SPEC.items()]
    said = stack.inside("worker", "python", "-m", "dualtrain.core.train", *settings)
    found: dict[str, Any] = json.loads(said.splitlines()[-1])
    log.info("undisturbed run in one process: %s", found)
    return found
