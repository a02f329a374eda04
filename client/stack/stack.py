"""`dualtrain up`: the stack from its start to Ctrl-C."""

import asyncio
import math
import os
import signal
import socket
import time
from collections import Counter
from pathlib import Path

import httpx
from rich.console import Console
from rich.text import Text

from dualtrain.client.stack.folders import Folders, held
from dualtrain.client.stack.programs import environment, programs, with_private_servers
from dualtrain.client.stack.supervisor import Supervisor
from dualtrain.core.settings import Settings

HOPELESS_DEATHS = 3
"""A program that died so often before the stack was ever ready will not come up by itself."""
POLL_SECONDS = 0.1
QUIET_SECONDS = 10.0
"""A stack that is not ready by then says what it waits for."""
SHOWN_LINES = 15


def run(settings: Settings, private_servers: bool) -> int:
    """Run the stack until told to stop; return the exit code.

    Raises RuntimeError if the data folder is in use, ValueError if strangers would be let in.
    """
    settings.refuse_strangers()
    with held(settings.data_dir) as folders:
        settings = settings.model_copy(update={"data_dir": folders.data})
        if private_servers:
            settings = with_private_servers(settings, folders)
        return asyncio.run(Stack(settings, folders, private_servers).run())


class Stack:
    """The running stack and what it says in the terminal."""

    def __init__(self, settings: Settings, folders: Folders, private_servers: bool) -> None:
        self._settings = settings
        self._folders = folders
        self._private_servers = private_servers
        self._console = Console(stderr=True, highlight=False)
        self._deaths: Counter[str] = Counter()
        self._ready = False
        self._failed = False

    async def run(self) -> int:
        """Run the stack; return the exit code."""
        with _listening(self._settings.host, self._settings.port) as listener:
            port = listener.getsockname()[1]
            workers = self._settings.workers or len(os.sched_getaffinity(0))
            settings = self._settings.model_copy(update={"port": port, "workers": workers})
            plan = programs(self._folders, self._private_servers, workers, listener.fileno())
            self._supervisor = Supervisor(plan, environment(settings), self._folders, self._died)
            ready = asyncio.create_task(self._tell_when_ready(_url(settings.host, port)))
            await self._supervisor.run()
            ready.cancel()
        return 1 if self._failed else 0

    async def _tell_when_ready(self, url: str) -> None:
        async with httpx.AsyncClient(base_url=url, timeout=5, trust_env=False) as client:
            told_at = time.monotonic() + QUIET_SECONDS
            while missing := await _missing(client):
                if time.monotonic() > told_at:
                    self._console.print("[yellow]not ready yet[/yellow], still trying:", Text(missing), soft_wrap=True)
                    told_at = math.inf
                await asyncio.sleep(POLL_SECONDS)
        self._ready = True
        Console(highlight=False, soft_wrap=True).print(url)
        self._console.print(f"[dim]logs in {self._folders.logs}; Ctrl-C stops everything[/dim]", soft_wrap=True)

    def _died(self, name: str, code: int) -> None:
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with code {code}"
        self._console.print(f"[yellow]{name} {how}[/yellow], it starts again", soft_wrap=True)
        self._deaths[name] += 1
        if not self._ready and self._deaths[name] >= HOPELESS_DEATHS:
            self._failed = True
            self._console.print(f"[red]{name} does not start.[/red] The end of its log:", soft_wrap=True)
            self._console.print(_tail(self._folders.logs / f"{name}.log"), markup=False, soft_wrap=True)
            self._supervisor.stop()


async def _missing(client: httpx.AsyncClient) -> str:
    """Return what the stack waits for, nothing once it is ready."""
    try:
        answer = await client.get("/readyz")
    except httpx.TransportError:
        return "the API does not answer"
    if answer.status_code == httpx.codes.OK:
        return ""
    return str(answer.json().get("detail", answer.reason_phrase))


def _listening(host: str, port: int) -> socket.socket:
    """Return the socket that the API listens on, bound once: port 0 picks one, and it stays.

    Raises RuntimeError when the port is taken.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=2048, dualstack_ipv6=host == "::")
    except OSError as error:
        reason = f"cannot listen on {host}, port {port}: {error.strerror}"
        raise RuntimeError(f"{reason}; choose another with --port, 0 picks a free one") from None
    listener.set_inheritable(True)
    return listener


def _url(host: str, port: int) -> str:
    """Return the address to type into a browser on this machine."""
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    return f"http://[{shown}]:{port}" if ":" in shown else f"http://{shown}:{port}"


def _tail(log: Path) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-SHOWN_LINES:])
