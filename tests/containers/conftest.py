"""A composition of its own for the tests: other secrets, another port, volumes that go with it."""

import logging
import secrets
from collections.abc import Iterator

import pytest

from tests.containers.stack import (
    PROJECT,
    READY_SECONDS,
    WORKERS,
    Stack,
    command,
    example,
    free_port,
    log,
    program,
    until,
)


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """Build the image, bring the composition up with four workers, take it down with its volumes."""
    logging.getLogger("httpx2").setLevel(logging.WARNING)
    port, values = free_port(), example()
    values |= {name: secrets.token_hex(24) for name in values if name.endswith(("_KEY", "_PASSWORD"))}
    values |= {"PUBLISH_PORT": str(port), "WORKER_PROCESSES": "1", "DUALTRAIN_TAG": "test"}
    environment = tmp_path_factory.mktemp("compose") / "environment"
    environment.write_text("".join(f"{name}={value}\n" for name, value in values.items()))
    compose = (*program(), "-p", PROJECT, "-f", "docker-compose.yml", "--env-file", str(environment))
    stack = Stack(compose, f"http://127.0.0.1:{port}", values["OPERATOR_KEY"])
    try:
        log.info("%s", command(*program(), "version"))
        stack.run("build")
        stack.run("up", "-d", "--scale", f"worker={WORKERS}")
        with stack.client() as client:
            until("ready", lambda: client.get("/readyz").is_success, READY_SECONDS)
        yield stack
    finally:
        log.info("%s", stack.run("ps"))
        log.info("%s", stack.run("logs", "--no-color", "--tail", "15"))
        stack.run("down", "--volumes", "--remove-orphans")
