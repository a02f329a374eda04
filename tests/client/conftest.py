"""A whole stack as users start it, and a connection to it that can be cut."""

import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from dualtrain.client import Client, JobHandle
from dualtrain.client.cli import main

STOP_SECONDS = 120

Up = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture(scope="session")
def up(tmp_path_factory: pytest.TempPathFactory, data_dir: Path) -> Iterator[Up]:
    """Return a function that runs `dualtrain up` with options; each gets a folder, and all share the prepared data."""
    started: list[subprocess.Popen[str]] = []
    (data_dir / "cache").mkdir(exist_ok=True)

    def start(*options: str, folder: Path | None = None) -> subprocess.Popen[str]:
        folder = folder or tmp_path_factory.mktemp("up")
        if not (folder / "cache").exists():
            (folder / "cache").symlink_to(data_dir / "cache")
        command = [
            sys.executable,
            "-m",
            "dualtrain.client",
            "up",
            "--port",
            "0",
            "--workers",
            "1",
            "--data-dir",
            str(folder),
        ]
        pipes: dict[str, Any] = dict(stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(subprocess.Popen([*command, *options], **pipes))
        return started[-1]

    yield start
    for process in started:
        with suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        process.communicate(timeout=STOP_SECONDS)


@pytest.fixture(scope="session")
def url(up: Up) -> str:
    """The URL of a stack that the tests of this process share."""
    process = up()
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.fixture
def client(url: str) -> Iterator[Client]:
    with Client(url) as client:
        yield client


@pytest.fixture(scope="session")
def trained(url: str) -> Iterator[JobHandle]:
    """A job that has ended."""
    with Client(url) as client:
        job = client.submit({"max_steps": 200, "evaluate_every": 50, "gradient": {"method": "per-neuron"}})
        job.wait()
        yield job


class Relay(threading.Thread):
    """Hands bytes on between a client and the stack. `cut_after` says how many bytes of answers the next
    connections get before they are cut; afterwards nothing is cut."""

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        parts = urlsplit(url)
        self._target = (parts.hostname, parts.port)
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self.cut_after: list[int] = []
        self.connections = 0

    def run(self) -> None:
        while True:
            try:
                caller, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            threading.Thread(target=self._serve, args=(caller,), daemon=True).start()

    def close(self) -> None:
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self, caller: socket.socket) -> None:
        allowed = self.cut_after.pop(0) if self.cut_after else None
        with caller, socket.create_connection(self._target) as service:
            threading.Thread(target=_pump, args=(caller, service), daemon=True).start()
            _pump(service, caller, allowed)
            for end in (caller, service):
                with suppress(OSError):
                    end.shutdown(socket.SHUT_RDWR)


def _pump(source: socket.socket, target: socket.socket, allowed: int | None = None) -> None:
    with suppress(OSError):
        while allowed is None or allowed > 0:
            data = source.recv(65536 if allowed is None else allowed)
            if not data:
                return
            target.sendall(data)
            allowed = None if allowed is None else allowed - len(data)
        source.recv(1)  # the answer has begun, and is thrown away


@pytest.fixture
def relay(url: str) -> Iterator[Relay]:
    relay = Relay(url)
    relay.start()
    yield relay
    relay.close()


@pytest.fixture
def dualtrain(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], url: str) -> Any:
    """Return a function that runs the command line here and returns exit code, output and errors."""

    def run(*arguments: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["dualtrain", *arguments])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as end:
            code = end.code if isinstance(end.code, int) else 0
        return code, *capsys.readouterr()

    monkeypatch.setenv("DUALTRAIN_URL", url)
    monkeypatch.setenv("COLUMNS", "200")  # so that no sentence is wrapped
    return run
