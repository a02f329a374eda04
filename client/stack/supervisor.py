"""Keeps the programs running, by circus: what dies starts again, the more often it died lately the later."""

import asyncio
import os
import select
import shlex
import signal
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any

from circus.arbiter import Arbiter
from circus.process import DEAD_OR_ZOMBIE, UNEXISTING, Process
from circus.stream.redirector import Redirector
from circus.watcher import Watcher
from tornado.ioloop import IOLoop

from dualtrain.client.stack import exec_with_parent
from dualtrain.client.stack.folders import Folders
from dualtrain.client.stack.programs import Program

CHECK_SECONDS = 0.2
"""How soon a dead process is noticed."""
NEVER = -1
"""Circus does not look by itself: its looks would meet our commands, and the second of two that meet is refused."""
FIRST_WAIT_SECONDS = 0.2
LONGEST_WAIT_SECONDS = 10.0
MOST_DOUBLINGS = 10
HEALTHY_SECONDS = 10.0
"""A process that lived this long starts again at once."""
LOG_BYTES = 10_000_000
PIPE_BYTES = 65536
"""As much as a pipe holds on Linux."""
STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

Died = Callable[[str, int], None]


class Supervisor:
    """Runs programs. When one ends by itself, `died(name, exit code)` is called."""

    def __init__(
        self, programs: Sequence[Program], environment: Mapping[str, str], folders: Folders, died: Died
    ) -> None:
        self._died = died
        self._stopping = asyncio.Event()
        self._started: dict[str, float] = {}
        self._deaths: dict[str, int] = defaultdict(int)
        endpoint = f"ipc://{folders.sockets}"
        # The highest priority starts first and stops last.
        watchers = [_watcher(program, -rank, environment, folders) for rank, program in enumerate(programs)]
        for watcher in watchers:
            watcher.hooks = {"after_spawn": self._spawned, "after_reap": self._reaped}
        self._arbiter = Arbiter(
            watchers,
            f"{endpoint}/control",
            f"{endpoint}/events",
            check_delay=NEVER,
            loop=IOLoop.current(),
        )

    async def run(self) -> None:
        """Run until `stop` is called or a signal says so; then end the programs one after the other."""
        for number in STOP_SIGNALS:  # before the start: circus's own way to stop is refused during it
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        await self._arbiter.start()
        while not self._stopping.is_set():
            await self._arbiter.manage_watchers()
            for watcher in self._arbiter.iter_watchers():
                if watcher.is_stopped():  # circus gives up one that cannot be started, for lack of memory it may be
                    await watcher.start()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), CHECK_SECONDS)
        for watcher in self._arbiter.iter_watchers(reverse=False):
            await watcher.stop()
        await self._arbiter.stop()

    def stop(self) -> None:
        """End the programs soon."""
        self._stopping.set()

    def _spawned(self, watcher: Watcher, **_: Any) -> bool:
        self._started[watcher.name] = time.monotonic()
        return True

    def _reaped(self, watcher: Watcher, exit_code: int, **_: Any) -> bool:
        if self._stopping.is_set():
            return True
        lived = time.monotonic() - self._started[watcher.name]
        deaths = self._deaths[watcher.name] = 1 if lived > HEALTHY_SECONDS else self._deaths[watcher.name] + 1
        if deaths > 1:
            self._hold_back(watcher, min(LONGEST_WAIT_SECONDS, FIRST_WAIT_SECONDS * 2 ** min(deaths, MOST_DOUBLINGS)))
        self._died(watcher.name, exit_code)
        return True

    def _hold_back(self, watcher: Watcher, seconds: float) -> None:
        watcher.numprocesses = 0
        asyncio.get_running_loop().call_later(seconds, setattr, watcher, "numprocesses", 1)


class _Watcher(Watcher):  # type: ignore[misc]
    """Circus tells nobody of what dies between two of its looks, and goes on listening at its closed pipes."""

    async def manage_processes(self) -> None:
        """Reap what is dead, then start what is missing: circus, which looks again, finds nothing to drop untold."""
        for process in list(self.processes.values()):
            if process.status in (DEAD_OR_ZOMBIE, UNEXISTING):
                self.reap_process(process.pid)
        if len(self.processes) != self.numprocesses:
            await super().manage_processes()

    def reap_process(self, pid: int, status: int | None = None) -> None:
        """Log the last words of a process, take leave of its pipes, then do what circus does."""
        if process := self.processes.get(pid):
            _log_the_rest(self.stream_redirector, process)
            # The next pipe that gets the number of one of these would be refused.
            self.stream_redirector.remove_redirections(process)
        super().reap_process(pid, status)


def _log_the_rest(redirector: Redirector, process: Process) -> None:
    for stream, pipe in redirector.get_process_pipes(process):
        if not pipe.closed and select.select([pipe], [], [], 0)[0]:
            words = os.read(pipe.fileno(), PIPE_BYTES)
            redirector.redirect[stream]({"data": words, "pid": process.pid, "name": stream})


def _watcher(program: Program, priority: int, environment: Mapping[str, str], folders: Folders) -> Watcher:
    log = {
        "class": "FileStream",
        "filename": str(folders.logs / f"{program.name}.log"),
        "max_bytes": LOG_BYTES,
        "backup_count": 2,
    }
    tied = ("-I", "-S", exec_with_parent.__file__, str(os.getpid()), *program.command)
    return _Watcher(
        program.name,
        shlex.quote(sys.executable),
        args=list(tied),
        env=dict(environment),
        working_dir=str(folders.data),
        priority=priority,
        singleton=True,
        use_sockets=True,
        graceful_timeout=program.grace_seconds,
        stdout_stream=log,
        stderr_stream=log,
        loop=IOLoop.current(),
    )
