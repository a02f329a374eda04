"""A whole stack of real processes for the tests: two servers, two workers, two replicas of the API."""

import os
import socket
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

import psutil
from redis import Redis
from redis.exceptions import RedisError

from dualtrain.client.stack import servers
from dualtrain.core.store import Exchange, Jobs, connect
from tests.chaos.programs import MARK, Program, marked
from tests.chaos.proxy import Link, Links
from tests.waiting import until

START_SECONDS = 60.0
DEATH_SECONDS = 30.0
"""How long what a killed process leaves may take to notice."""
ONE_THREAD = {name: "1" for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")}
CELERY = ("-m", "celery", "-A", "dualtrain.worker.app", "worker", "--loglevel=WARNING", "--without-gossip",
          "--without-mingle", "--without-heartbeat")  # fmt: skip


class Stack:
    """The processes by name: `store`, `exchange`, `worker-0`, ..., `api-0`, ...; a link to each server for each."""

    def __init__(self, data_dir: Path, replicas: int = 2, workers: int = 2, concurrency: int = 2) -> None:
        self.mark = uuid4().hex
        self.folder = Path(tempfile.mkdtemp(prefix="dualtrain-chaos-"))
        self.links = Links()
        self.link: dict[tuple[str, str], Link] = {}
        self.program: dict[str, Program] = {}
        self._data_dir = data_dir
        self._ports = {role: free_port() for role in servers.ROLES}
        for role in servers.ROLES:
            self._start_server(role)
        self.store, self.exchange = (connect(self._url(self._ports[role])) for role in servers.ROLES)
        self.jobs = Jobs(self.store)
        self.urls = [self._start_api(f"api-{i}") for i in range(replicas)]
        for i in range(workers):
            self._start_worker(f"worker-{i}", concurrency)
        self._processes = workers * concurrency

    @property
    def workers(self) -> list[str]:
        """The names of the workers."""
        return [name for name in self.program if name.startswith("worker")]

    @property
    def replicas(self) -> list[str]:
        """The names of the replicas of the API."""
        return [name for name in self.program if name.startswith("api")]

    def wait_until_ready(self) -> None:
        """Wait until all worker processes tell that they live, and every replica has its aggregator."""
        until(lambda: len(Exchange(self.exchange).workers()) >= self._processes, START_SECONDS, "workers")
        until(lambda: all(self.aggregator(name) for name in self.replicas), START_SECONDS, "aggregators")

    def pool(self, worker: str) -> list[psutil.Process]:
        """The processes of a worker that compute."""
        return self.program[worker].children()

    def aggregator(self, replica: str) -> psutil.Process | None:
        """The aggregator of a replica."""
        return next(iter(self.program[replica].children()), None)

    def gathering(self) -> set[int]:
        """The exchange's clients (by port) that wait for rows of a round at this moment."""
        try:
            clients = self.exchange.client_list()
        except RedisError:
            return set()
        return {
            int(one["addr"].rpartition(":")[2]) for one in clients if one["cmd"] == "blmpop" and "b" in one["flags"]
        }

    def end(self) -> list[str]:
        """End everything; return what is left of it after that."""
        for name in reversed(self.program):
            for process in self.program[name].children():
                process.resume()
        for name in reversed(self.program):
            self.program[name].end()
        self.store.close()
        self.exchange.close()
        self.links.close()
        with suppress(TimeoutError):
            until(lambda: not marked(self.mark), DEATH_SECONDS, "the end of all processes")
        return [str(process) for process in marked(self.mark)]

    def _start_server(self, role: str) -> None:
        folder = self.folder / role
        folder.mkdir()
        place = ("--bind", "127.0.0.1", "--port", str(self._ports[role]), "--dir", str(folder), "--save", "")
        self._start(role, (str(servers.find()), *place, *servers.options(role)))
        with connect(self._url(self._ports[role])) as client:
            until(lambda: answers(client), START_SECONDS, role)

    def _start_api(self, name: str) -> str:
        port = str(free_port())
        self._start(name, (sys.executable, "-m", "dualtrain.api.server", "--port", port))
        return f"http://127.0.0.1:{port}"

    def _start_worker(self, name: str, concurrency: int) -> None:
        self._start(name, (sys.executable, *CELERY, f"--concurrency={concurrency}"))

    def _start(self, name: str, command: tuple[str, ...]) -> None:
        environment = {**os.environ, **ONE_THREAD, MARK: self.mark, "DUALTRAIN_DATA_DIR": str(self._data_dir)}
        if name not in servers.ROLES:
            for role, setting in (("store", "REDIS_URL"), ("exchange", "EXCHANGE_URL")):
                self.link[name, role] = self.links.open(self._ports[role])
                environment[f"DUALTRAIN_{setting}"] = self._url(self.link[name, role].port)
        self.program[name] = Program(name, command, environment, self.folder / f"{name}.log")

    @staticmethod
    def _url(port: int) -> str:
        return f"redis://127.0.0.1:{port}/0"


def answers(server: Redis) -> bool:
    """Return whether a server has all its data and answers."""
    try:
        return bool(server.ping())
    except RedisError:
        return False


def free_port() -> int:
    """Return a port that nobody listens to."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])
