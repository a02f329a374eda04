"""Supervision of programs: started in order, restarted with back-off when they end, stopped in the reverse order."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from dualtrain.core.runtime import exec_with_parent
from dualtrain.core.runtime.log_file import LogFile, LogPipe

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

OnExit = Callable[[str, str], Awaitable[None]]
"""Called with the name of a program and how it ended; the program is started again afterwards."""


@dataclass(frozen=True)
class Program:
    """A program to keep running.

    `grace_seconds` is how long it may take to end after SIGTERM before it is killed. Without a `log` it shares the
    output of this process. `inherited` are file descriptors that it gets besides its standard streams.
    """

    name: str
    command: tuple[str, ...]
    environment: Mapping[str, str]
    grace_seconds: float
    folder: Path | None = None
    log: LogFile | None = None
    inherited: tuple[int, ...] = ()


@dataclass(frozen=True)
class Backoff:
    """The delay before a restart: none after a healthy life, else doubled with each failure in a row."""

    first_seconds: float = 0.2
    longest_seconds: float = 5.0
    healthy_seconds: float = 10.0

    def delay(self, failures: int) -> float:
        """Return the seconds to wait after `failures` consecutive runs that were too short."""
        doublings = min(failures - 1, 32)  # a larger power is no float
        return min(self.longest_seconds, self.first_seconds * 2**doublings) if failures else 0.0


BACKOFF = Backoff()


def python_command(module: str, *arguments: str) -> tuple[str, ...]:
    """Return the command that runs a module; `-P` keeps files of the current folder from shadowing ours."""
    return (sys.executable, "-P", "-m", module, *arguments)


async def keep_running(program: Program, on_exit: OnExit, backoff: Backoff = BACKOFF) -> None:
    """Start a program again whenever it ends, until cancelled; then stop it."""
    failures = 0
    while True:
        started = time.monotonic()
        reason = await _run_once(program)
        healthy = time.monotonic() - started > backoff.healthy_seconds
        failures = 0 if healthy else failures + 1
        await on_exit(program.name, reason)
        await asyncio.sleep(backoff.delay(failures))


class Supervisor:
    """Keeps several programs running until it is stopped."""

    def __init__(self, programs: Sequence[Program], on_exit: OnExit, backoff: Backoff = BACKOFF) -> None:
        self._programs = programs
        self._on_exit = on_exit
        self._backoff = backoff
        self._stopping = asyncio.Event()

    async def run(self) -> None:
        """Run until `stop` is called or a signal arrives; then end the programs one after the other."""
        for number in STOP_SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self.stop)
        stopping = asyncio.create_task(self._stopping.wait())
        tasks = [asyncio.create_task(keep_running(program, self._on_exit, self._backoff)) for program in self._programs]
        await asyncio.wait([stopping, *tasks], return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        failures = [await _cancel(task) for task in reversed(tasks)]
        for failure in filter(None, failures):
            raise failure

    def stop(self) -> None:
        """End the programs soon."""
        self._stopping.set()


async def _cancel(task: asyncio.Task[None]) -> BaseException | None:
    """Cancel a task and wait for its end; return the error that it ended with before."""
    task.cancel()
    await asyncio.wait([task])
    return None if task.cancelled() else task.exception()


async def _run_once(program: Program) -> str:
    """Run a program to its end and return how it ended."""
    try:
        with _output(program.log) as output:
            process = await asyncio.create_subprocess_exec(
                *_tied_to_this_process(program.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                env=dict(program.environment),
                cwd=program.folder,
                pass_fds=program.inherited,
                start_new_session=True,  # Ctrl-C in the terminal reaches only the supervisor
            )
            try:
                return _reason(await process.wait())
            finally:
                await _stop(process, program.grace_seconds)
    except OSError as error:  # the machine has no memory or no process left, for now
        return f"cannot be started: {error}"


def _tied_to_this_process(command: Sequence[str]) -> tuple[str, ...]:
    return (sys.executable, "-I", "-S", exec_with_parent.__file__, str(os.getpid()), *command)


@contextmanager
def _output(log: LogFile | None) -> Iterator[int | None]:
    if log is None:
        yield None
        return
    pipe = LogPipe(log)
    try:
        yield pipe.write_end
    finally:
        pipe.close()


async def _stop(process: asyncio.subprocess.Process, grace_seconds: float) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), grace_seconds)
    except TimeoutError:
        process.kill()
        await process.wait()


def _reason(code: int) -> str:
    if code >= 0:
        return f"ended with code {code}"
    names = {number.value: number.name for number in signal.Signals}
    return f"was killed by {names.get(-code, f'signal {-code}')}"
