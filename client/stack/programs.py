"""The programs of the stack: their commands and environments."""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from dualtrain.client.stack import servers
from dualtrain.client.stack.folders import Folders
from dualtrain.core.settings import Settings


@dataclass(frozen=True)
class Program:
    """A process to keep running. `grace_seconds` is how long it may take to end when asked, before it is killed."""

    name: str
    command: tuple[str, ...]
    grace_seconds: float


def programs(folders: Folders, private_servers: bool, workers: int, listener: int) -> tuple[Program, ...]:
    """Return what the stack runs in the order of starting; it is stopped in the reverse order.

    So the servers are up before anybody asks them, and the API can save its jobs on the way out. `listener` is the file
    descriptor of the listening socket: it is the supervisor's, so it stays open while the API starts again.
    """
    return (*(_servers(folders) if private_servers else ()), _worker(workers), _api(listener))


def environment(settings: Settings) -> dict[str, str]:
    """Return the environment of every program."""
    return {**os.environ, **settings.environment(), "PYTHONUNBUFFERED": "1"}


def with_private_servers(settings: Settings, folders: Folders) -> Settings:
    """Return the settings with the private servers in place of those that were not named."""
    store, exchange = (servers.url(folders.sockets / role) for role in ("store", "exchange"))
    given = settings.model_dump(include=settings.model_fields_set & {"exchange_url", "broker_url"})
    private = {"redis_url": store, "exchange_url": exchange, "broker_url": given.get("exchange_url", exchange)}
    return settings.model_copy(update=private | given)


def _servers(folders: Folders) -> Iterator[Program]:
    program = servers.find()
    places = {"store": folders.store, "exchange": folders.sockets}
    for role, place in places.items():
        yield Program(role, tuple(servers.command(program, role, folders.sockets / role, place)), grace_seconds=20)


def _worker(processes: int) -> Program:
    # `--without-…`: workers need not know each other, heartbeats are our own.
    options = ("--pool", "prefork", "--concurrency", str(processes), "--loglevel", "INFO")
    alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
    return Program(
        "worker", (*_python("celery"), "-A", "dualtrain.worker.app", "worker", *options, *alone), grace_seconds=12
    )


def _api(listener: int) -> Program:
    # Then the aggregator has as long again for its checkpoints.
    options = ("--fd", str(listener), "--grace-seconds", "5")
    return Program("api", (*_python("dualtrain.api.server"), *options), grace_seconds=15)


def _python(module: str) -> tuple[str, ...]:
    # `-P`: a file `worker.py` where the user happens to stand is not ours.
    return sys.executable, "-P", "-m", module
