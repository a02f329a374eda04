"""The programs of the stack: their commands, environments and log files."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

from dualtrain.client.stack import servers
from dualtrain.client.stack.folders import Folders
from dualtrain.core.runtime.log_file import LogFile
from dualtrain.core.runtime.supervisor import Program, python_command
from dualtrain.core.settings import Settings

SERVER_VARIABLES = ("HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "PATH", "TMPDIR", "TZ")
"""The environment of the Redis servers; they need no secret."""
API_VARIABLES = ("DUALTRAIN_REDIS_URL", "DUALTRAIN_API_KEYS_FILE", "DUALTRAIN_WEBHOOK_SECRET")
"""Variables that workers do not get: they reach the exchange only."""

CLIENT_VARIABLES = ("DUALTRAIN_API_KEY",)
"""Variables of the command line only."""


class ProgramFactory:
    """Makes the programs of one stack."""

    def __init__(self, settings: Settings, folders: Folders, on_log_error: Callable[[Path, OSError], None]) -> None:
        self._settings = settings
        self._folders = folders
        self._on_log_error = on_log_error

    def programs(self, private_servers: bool, listener: int) -> tuple[Program, ...]:
        """Return the programs in the order of starting; they are stopped in the reverse order.

        So the servers are up before their clients, and the API can save its jobs on the way out. `listener` is the file
        descriptor of the listening socket: it belongs to the supervisor, so it stays open while the API restarts.
        """
        return (*(self._servers() if private_servers else ()), self._worker(), self._api(listener))

    def _servers(self) -> Iterator[Program]:
        server = servers.find()
        environment = {name: os.environ[name] for name in SERVER_VARIABLES if name in os.environ}
        for role, folder in {"store": self._folders.store, "exchange": self._folders.sockets}.items():
            command = servers.command(server, role, self._folders.sockets / role, folder)
            yield self._program(role, tuple(command), environment, grace_seconds=20)

    def _worker(self) -> Program:
        # `--without-…`: workers need not know each other, heartbeats are our own.
        options = ("--pool", "prefork", "--concurrency", str(self._settings.workers), "--loglevel", "INFO")
        alone = ("--without-gossip", "--without-mingle", "--without-heartbeat")
        command = python_command("celery", "-A", "dualtrain.worker.app", "worker", *options, *alone)
        environment = {name: value for name, value in self._environment().items() if name not in API_VARIABLES}
        return self._program("worker", command, environment, grace_seconds=12)

    def _api(self, listener: int) -> Program:
        # After the grace of open requests the aggregator has as long again for its checkpoints.
        command = python_command("dualtrain.api.server", "--fd", str(listener), "--grace-seconds", "5")
        return self._program("api", command, self._environment(), grace_seconds=15, inherited=(listener,))

    def _environment(self) -> dict[str, str]:
        inherited = {name: value for name, value in os.environ.items() if name not in CLIENT_VARIABLES}
        return {**inherited, **self._settings.environment(), "PYTHONUNBUFFERED": "1"}

    def _program(
        self,
        name: str,
        command: tuple[str, ...],
        environment: dict[str, str],
        grace_seconds: float,
        inherited: tuple[int, ...] = (),
    ) -> Program:
        log = LogFile(self._folders.logs / f"{name}.log", self._on_log_error)
        return Program(name, command, environment, grace_seconds, self._folders.data, log, inherited)


def with_private_servers(settings: Settings, folders: Folders) -> Settings:
    """Return the settings with the private servers in place of those that were not named."""
    store = servers.url(folders.sockets / "store")
    exchange = servers.url(folders.sockets / "exchange")
    given = settings.model_dump(include=settings.model_fields_set & {"exchange_url", "broker_url"})
    private = {"redis_url": store, "exchange_url": exchange, "broker_url": given.get("exchange_url", exchange)}
    return settings.model_copy(update=private | given)
