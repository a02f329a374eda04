"""`dualtrain up`: the stack from its start to Ctrl-C."""

import asyncio
import math
import os
import time
from collections import Counter
from pathlib import Path

import httpx2

from dualtrain.client.stack import append_only
from dualtrain.client.stack.disk import DiskWatch
from dualtrain.client.stack.folders import Folders, locked_folders
from dualtrain.client.stack.given_servers import describe_servers
from dualtrain.client.stack.listener import open_listener, url
from dualtrain.client.stack.programs import ProgramFactory, with_private_servers
from dualtrain.client.stack.terminal import Terminal
from dualtrain.core.runtime.supervisor import Supervisor
from dualtrain.core.settings import Settings

MOST_FAILED_STARTS = 3
"""A program that ended so often before the stack was ever ready needs help from outside."""
POLL_SECONDS = 0.1
QUIET_SECONDS = 10.0
"""A stack that is not ready by then says what it waits for."""
SHOWN_LINES = 15
OWNER_ONLY = 0o077
"""The umask of all programs: jobs, models and logs are not for other users of the machine."""


def run(settings: Settings, private_servers: bool) -> int:
    """Run the stack until a signal stops it; return the exit code.

    Raises RuntimeError if the data folder is in use, ValueError if the address is reachable by others without keys.
    """
    settings.refuse_strangers()
    os.umask(OWNER_ONLY)
    with locked_folders(settings.data_dir) as folders:
        settings = settings.model_copy(update={"data_dir": folders.data})
        if private_servers:
            settings = with_private_servers(settings, folders)
        else:
            describe_servers(settings, Terminal())
        return asyncio.run(Stack(settings, folders, private_servers).run())


class Stack:
    """The running stack and its messages in the terminal."""

    def __init__(self, settings: Settings, folders: Folders, private_servers: bool) -> None:
        self._settings = settings
        self._folders = folders
        self._private_servers = private_servers
        self._terminal = Terminal()
        self._disk = DiskWatch(folders.data, self._terminal)
        self._failed_starts: Counter[str] = Counter()
        self._advice = ""
        self._ready = False
        self._failed = False

    async def run(self) -> int:
        """Run the stack; return the exit code."""
        with open_listener(self._settings.host, self._settings.port) as listener:
            port = listener.getsockname()[1]
            workers = self._settings.workers or len(os.sched_getaffinity(0))
            settings = self._settings.model_copy(update={"port": port, "workers": workers})
            factory = ProgramFactory(settings, self._folders, self._log_failed)
            self._supervisor = Supervisor(factory.programs(self._private_servers, listener.fileno()), self._exited)
            background = [
                asyncio.create_task(self._announce(url(settings.host, port))),
                asyncio.create_task(self._disk.run()),
            ]
            await self._supervisor.run()
            for task in background:
                task.cancel()
        return 1 if self._failed else 0

    async def _announce(self, address: str) -> None:
        """Print the address once the stack is ready, or what it waits for."""
        async with httpx2.AsyncClient(base_url=address, timeout=5, trust_env=False) as client:
            deadline = time.monotonic() + QUIET_SECONDS
            while missing := await _missing(client):
                if time.monotonic() > deadline:
                    self._terminal.warn("not ready yet,", f" still trying: {missing}")
                    deadline = math.inf
                await asyncio.sleep(POLL_SECONDS)
        self._ready = True
        self._terminal.address(address)
        self._terminal.note(f"logs in {self._folders.logs}; Ctrl-C stops everything")

    async def _exited(self, name: str, reason: str) -> None:
        if self._disk.is_full():  # the terminal says so, and each restart may fail
            return
        self._terminal.warn(f"{name} {reason},", " it starts again")
        if self._ready or (name == "store" and await self._repaired_store()):
            return
        self._failed_starts[name] += 1
        if self._failed_starts[name] >= MOST_FAILED_STARTS:
            self._give_up(name)

    async def _repaired_store(self) -> bool:
        """Repair the store's file if a power failure damaged its end; return whether that was done."""
        try:
            damage = await asyncio.to_thread(append_only.repair, self._folders.store)
        except OSError as error:
            self._advice = f"The append-only file cannot be repaired: {error}"
            return False
        if damage is None or damage.moved_to is None:
            self._advice = str(damage or "")
            return False
        self._terminal.warn(str(damage))
        return True

    def _give_up(self, name: str) -> None:
        self._failed = True
        self._terminal.fail(f"{name} does not start.", f" The end of its log:\n{_tail(self._folders, name)}")
        if name == "store" and self._advice:
            self._terminal.fail(self._advice)
        self._supervisor.stop()

    def _log_failed(self, log: Path, error: OSError) -> None:
        if not self._disk.is_full():
            self._terminal.warn(f"{log} cannot be written:", f" {error.strerror}; its lines are lost until it can")


async def _missing(client: httpx2.AsyncClient) -> str:
    """Return what the stack waits for, nothing once it is ready."""
    try:
        response = await client.get("/readyz")
    except httpx2.TransportError:
        return "the API does not answer"
    if response.status_code == httpx2.codes.OK:
        return ""
    return str(response.json().get("detail", response.reason_phrase))


def _tail(folders: Folders, name: str) -> str:
    try:
        text = (folders.logs / f"{name}.log").read_text(errors="replace")
    except OSError as error:
        return str(error)
    return "\n".join(text.splitlines()[-SHOWN_LINES:])
