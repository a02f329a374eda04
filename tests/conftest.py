"""Real servers for the tests: a store and an exchange of one's own for each test process, emptied for each test."""

import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from redis import ConnectionError as NoConnection
from redis import Redis
from threadpoolctl import threadpool_limits

from dualtrain.client.stack.servers import embedded
from dualtrain.core.settings import Settings
from dualtrain.core.store import connect
from tests.waiting import until

START_SECONDS = 20.0


def pytest_configure() -> None:
    """One BLAS thread here and in every process that a test starts, as `dualtrain up` has it."""
    for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    # A shell lets what it runs in the background ignore Ctrl-C, and so would all programs that tests start.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threadpool_limits(1)  # NumPy may be loaded by now
    hypothesis_settings.register_profile("patient", deadline=None)  # a machine may be busy with other work
    hypothesis_settings.load_profile("patient")


@pytest.fixture(scope="session")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., str]]:
    """Return a function that starts a server on a Unix socket and returns its URL; all are ended with the session."""
    servers: list[subprocess.Popen[bytes]] = []

    def start(*options: str) -> str:
        folder = tmp_path_factory.mktemp("server")
        socket = folder / "socket"
        (binary,) = embedded()
        fixed = ("--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--save", "", "--logfile", "log")
        servers.append(subprocess.Popen([str(binary), *fixed, *options], stdin=subprocess.DEVNULL))
        url = f"unix://{socket}?db=0"
        _wait_until_it_answers(url, START_SECONDS)
        return url

    yield start
    for server in servers:
        server.kill()
        server.wait()


def _wait_until_it_answers(url: str, seconds: float) -> None:
    with connect(url) as client:
        until(lambda: _answers(client), seconds, f"the server at {url}")


def _answers(client: Redis) -> bool:
    try:
        return bool(client.ping())
    except NoConnection:
        return False


@pytest.fixture(scope="session")
def store_url(start_server: Callable[..., str]) -> str:
    """The URL of a store: every write is on disk before it is answered, nothing is evicted."""
    return start_server("--appendonly", "yes", "--appendfsync", "always", "--maxmemory-policy", "noeviction")


@pytest.fixture(scope="session")
def exchange_url(start_server: Callable[..., str]) -> str:
    """The URL of an exchange: nothing is kept on disk."""
    return start_server("--appendonly", "no")


@pytest.fixture
def store(store_url: str) -> Iterator[Redis]:
    """An empty store."""
    yield from _empty(store_url)


@pytest.fixture
def exchange(exchange_url: str) -> Iterator[Redis]:
    """An empty exchange."""
    yield from _empty(exchange_url)


def _empty(url: str) -> Iterator[Redis]:
    with connect(url) as client:
        client.flushall()
        yield client


@pytest.fixture(scope="session")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data folder that all test processes of a run share, so that a data set is prepared once."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "data"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture
def settings(store: Redis, exchange: Redis, store_url: str, exchange_url: str, data_dir: Path) -> Settings:
    """Settings that name this test's empty servers."""
    return Settings(redis_url=store_url, exchange_url=exchange_url, data_dir=data_dir)
