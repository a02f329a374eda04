"""A whole service with API keys, as `dualtrain up` runs it, for attacks; and what its processes take."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import httpx2
import psutil

from dualtrain.api.security import Scope
from dualtrain.api.security.keys import create
from tests.waiting import until

KEYS = "keys.json"
START_SECONDS = 90.0
STOP_SECONDS = 60.0
SCOPES = {
    "alice": frozenset({Scope.READ, Scope.SUBMIT}),
    "bob": frozenset({Scope.READ, Scope.SUBMIT}),
    "carol": frozenset({Scope.READ, Scope.SUBMIT}),
    "mallory": frozenset({Scope.READ, Scope.SUBMIT}),
    "reader": frozenset({Scope.READ}),
    "submitter": frozenset({Scope.SUBMIT}),
    "admin": frozenset({Scope.ADMIN}),
}
"""Key -> scopes. By convention alice, carol and mallory attack while bob is honest and watches."""
ROLES = {
    "api": "dualtrain.api.server",
    "aggregator": "dualtrain.api.aggregator",
    "child": "dualtrain.api.sandbox",
    "worker": "celery",
    "server": "valkey-server",
}
"""Role of a process -> a part of its command line that no other role has."""


@dataclass(frozen=True)
class Stack:
    """A running service. `folder` is its data folder; `tokens`: the secret of each key of `SCOPES`."""

    folder: Path
    url: str
    tokens: Mapping[str, str]
    pid: int

    @property
    def supervisor(self) -> psutil.Process:
        """The process that all others of the service descend from."""
        return psutil.Process(self.pid)

    def client(self, name: str | None = None, timeout: float = 60.0) -> httpx2.Client:
        """Return a client with the key `name`, or without a key."""
        return httpx2.Client(base_url=self.url, headers=self.headers(name), timeout=timeout)

    def headers(self, name: str | None) -> dict[str, str]:
        """Return the headers that show the key `name`."""
        return {"Authorization": f"Bearer {self.tokens[name]}"} if name else {}

    def processes(self, role: str) -> list[psutil.Process]:
        """Return the living processes of a role of `ROLES`."""
        return [process for process in self.supervisor.children(recursive=True) if role_of(process) == role]

    def limit(self, name: str, **limits: int) -> None:
        """Give a key limits, such as `max_stored_bytes`; the service applies them after a second."""
        path = self.folder / KEYS
        keys = json.loads(path.read_text())
        path.write_text(json.dumps([key | (limits if key["name"] == name else {}) for key in keys]))

    def pids(self) -> set[int]:
        """Return the processes that must survive every attack: all but the limited children."""
        return {process.pid for role in ROLES if role != "child" for process in self.processes(role)}


def role_of(process: psutil.Process) -> str | None:
    """Return the role of a process, None for one that has no role or has ended."""
    with suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        line = " ".join(process.cmdline())
        return next((role for role, part in ROLES.items() if part in line), None)
    return None


@contextmanager
def running(folder: Path, cache: Path | None = None, workers: int = 1, **variables: str) -> Iterator[Stack]:
    """Run a stack in `folder` until the context ends. `variables`: more of its environment, without the prefix.

    `cache` is a folder of prepared data sets to share.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if cache is not None and not (folder / "cache").exists():
        cache.mkdir(parents=True, exist_ok=True)
        (folder / "cache").symlink_to(cache)
    keys = folder / KEYS
    tokens = {name: create(keys, name, scopes) for name, scopes in SCOPES.items()}
    environment = {**os.environ, "DUALTRAIN_API_KEYS_FILE": str(keys), "DUALTRAIN_WEBHOOK_SECRET": "secret"}
    environment |= {f"DUALTRAIN_{name.upper()}": value for name, value in variables.items()}
    command = (sys.executable, "-P", "-m", "dualtrain.client", "up", "--port", "0", "--workers", str(workers),
               "--data-dir", str(folder))  # fmt: skip
    with (folder / "stderr.log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, env=environment)
    try:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert url.startswith("http"), (folder / "stderr.log").read_text()
        stack = Stack(folder, url, tokens, process.pid)
        until(lambda: _is_ready(url), START_SECONDS, "the stack")
        yield stack
    finally:
        _stop(process)


def _is_ready(url: str) -> bool:
    with suppress(httpx2.HTTPError):
        return httpx2.get(f"{url}/readyz", timeout=5).is_success
    return False


def _stop(process: "subprocess.Popen[str]") -> None:
    with suppress(ProcessLookupError):
        process.send_signal(signal.SIGTERM)
    try:
        process.communicate(timeout=STOP_SECONDS)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
