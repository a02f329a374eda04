"""A running composition, and how to ask and wait for what happens in it."""

import json
import logging
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2

ROOT = Path(__file__).parents[2]
PROJECT = "dualtrain-test"
WORKERS = 4
READY_SECONDS = 180.0

log = logging.getLogger("containers")


@dataclass(frozen=True)
class Stack:
    """The running composition."""

    compose: tuple[str, ...]
    url: str
    key: str

    def run(self, *arguments: str) -> str:
        """Run Compose; return what it says."""
        return command(*self.compose, *arguments)

    def inside(self, service: str, *arguments: str) -> str:
        """Run a command in the first container of a service; return what it says."""
        return command("docker", "exec", self.containers(service)[0], *arguments)

    def refuses(self, service: str, *arguments: str) -> bool:
        """Return whether a command fails in the first container of a service."""
        done = subprocess.run(
            ["docker", "exec", self.containers(service)[0], *arguments], capture_output=True, check=False
        )
        return done.returncode != 0

    def containers(self, service: str) -> list[str]:
        """Return the ids of the containers of a service that run."""
        return self.run("ps", "-q", service).split()

    def client(self) -> httpx2.Client:
        """Return a client with the operator's key."""
        return httpx2.Client(base_url=self.url, headers={"Authorization": f"Bearer {self.key}"}, timeout=30)


def command(*arguments: str) -> str:
    """Run a command and return its output. Raises CalledProcessError, with what it wrote in the log."""
    done = subprocess.run(arguments, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        log.error("%s\n%s\n%s", " ".join(arguments), done.stdout[-4000:], done.stderr[-4000:])
    done.check_returncode()
    return done.stdout.strip()


def inspect(container: str) -> dict[str, Any]:
    """Return what the engine knows of a container."""
    found: list[dict[str, Any]] = json.loads(command("docker", "inspect", container))
    return found[0]


def until(what: str, condition: Callable[[], object], seconds: float) -> Any:
    """Return the first true answer of `condition`; a connection that fails is a no. Raises TimeoutError."""
    started = time.monotonic()
    while time.monotonic() - started < seconds:
        try:
            if found := condition():
                log.info("%s after %.1f s", what, time.monotonic() - started)
                return found
        except httpx2.TransportError:
            pass
        time.sleep(0.2)
    raise TimeoutError(f"not {what} within {seconds} s")


def program() -> tuple[str, ...]:
    """Return Compose's command: COMPOSE, else the newer one, else the older one."""
    if named := os.environ.get("COMPOSE"):
        return tuple(named.split())
    plugin = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if plugin.returncode == 0:
        return "docker", "compose"
    assert shutil.which("docker-compose"), "neither `docker compose` nor `docker-compose` is installed"
    return ("docker-compose",)


def example() -> dict[str, str]:
    """Return the variables of `.env.example`."""
    lines = (ROOT / ".env.example").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])
