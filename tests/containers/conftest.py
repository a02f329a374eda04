"""A composition of its own for the tests: other secrets, another port, volumes that go with it."""

import logging
import os
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator

import pytest

from tests.containers.stack import ROOT, WORKERS, Stack, command, log, until

PROJECT = "dualtrain-test"
READY_SECONDS = 180.0


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Build the image, bring the composition up with four workers, take it down with its volumes."""
    logging.getLogger("httpx").setLevel(logging.WARNING)
    port, values = _free_port(), _example()
    values |= {name: secrets.token_hex(24) for name in values if name.endswith(("_KEY", "_PASSWORD"))}
    values |= {"PUBLISH_PORT": str(port), "WORKER_PROCESSES": "1", "DUALTRAIN_TAG": "test"}
    environment = tmp_path_factory.mktemp("compose") / "environment"
    environment.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    compose = (*_program(), "-p", PROJECT, "-f", "docker-compose.yml", "--env-file", str(environment))
    stack = Stack(compose, f"http://127.0.0.1:{port}", values["OPERATOR_KEY"])
    try:
        log.info("%s", command(*_program(), "version"))
        stack.run("build")
        stack.run("up", "-d", "--scale", f"worker={WORKERS}")
        with stack.client() as client:
            until("ready", lambda: client.get("/readyz").is_success, READY_SECONDS)
        yield stack
    finally:
        log.info("%s", stack.run("ps"))
        log.info("%s", stack.run("logs", "--no-color", "--tail", "15"))
        stack.run("down", "--volumes", "--remove-orphans")


def _program() -> tuple[str, ...]:
    if named := os.environ.get("COMPOSE"):
        return tuple(named.split())
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return "docker", "compose"
    assert shutil.which("docker-compose"), "neither `docker compose` nor `docker-compose` is installed"
    return ("docker-compose",)


def _example() -> dict[str, str]:
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
