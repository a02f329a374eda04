"""The supervisor: programs that end are reported, logged and started again; stopping leaves nothing behind."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from dualtrain.core.runtime.log_file import LogFile
from dualtrain.core.runtime.supervisor import Backoff, Program, Supervisor, keep_running
from tests.waiting import until as wait_until

SPEAKS_LAST_WORDS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("last words"))
print("ready", flush=True)
signal.pause()
"""
IGNORES_SIGTERM = """
import signal
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("ready", flush=True)
while True:
    signal.pause()
"""
PARENT = """
import asyncio, os, sys
from dualtrain.core.runtime.supervisor import Program, keep_running
async def on_exit(name, reason): pass
command = (sys.executable, "-c", "import time; time.sleep(600)")
asyncio.run(keep_running(Program("child", command, os.environ, 5), on_exit))
"""
SOON = 30.0
QUICK = Backoff(first_seconds=0.05, longest_seconds=0.1)


class Scene:
    """Programs in a folder, and the exits that were reported."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.exits: list[tuple[str, str]] = []

    def program(self, name: str, source: str = SPEAKS_LAST_WORDS, log: LogFile | None = None) -> Program:
        command = (sys.executable, "-c", source, name)
        log = log or LogFile(self.folder / f"{name}.log", lambda *_: None)
        return Program(name, command, os.environ, 0.5, self.folder, log)

    async def on_exit(self, name: str, reason: str) -> None:
        self.exits.append((name, reason))

    def log(self, name: str) -> str:
        path = self.folder / f"{name}.log"
        return path.read_text() if path.exists() else ""

    async def starts(self, name: str, count: int) -> None:
        await until(lambda: self.log(name).count("ready") == count)


async def until(true: Callable[[], Any]) -> None:
    async with asyncio.timeout(SOON):
        while not true():
            await asyncio.sleep(0.01)


def alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def processes(name: str) -> list[psutil.Process]:
    """Return the living children that have `name` as their last argument."""
    return [child for child in filter(alive, psutil.Process().children()) if child.cmdline()[-1:] == [name]]


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


async def kill_while_the_loop_is_busy(name: str) -> None:
    """End a program and hold up the event loop until it is dead, so that nothing reads its pipe meanwhile."""
    (process,) = processes(name)
    process.terminate()
    while alive(process):
        time.sleep(0.005)


def test_programs_that_die_while_the_loop_is_busy_are_reported_logged_and_restarted(scene: Scene) -> None:
    async def play() -> None:
        supervisor = Supervisor([scene.program("first"), scene.program("second")], scene.on_exit, QUICK)
        running = asyncio.create_task(supervisor.run())
        for count in (1, 2):
            for name in ("first", "second"):
                await scene.starts(name, count)
            for name in ("first", "second"):
                await kill_while_the_loop_is_busy(name)
        for name in ("first", "second"):
            await scene.starts(name, 3)
        supervisor.stop()
        await running

    asyncio.run(play())
    assert sorted(scene.exits) == [(name, "ended with code 1") for name in ("first", "first", "second", "second")]
    assert scene.log("first").count("last words") == scene.log("second").count("last words") == 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_stops_all_programs_even_while_they_start(scene: Scene, number: signal.Signals) -> None:
    async def play() -> None:
        supervisor = Supervisor([scene.program("first"), scene.program("second")], scene.on_exit)
        asyncio.get_running_loop().call_soon(os.kill, os.getpid(), number)
        async with asyncio.timeout(SOON):
            await supervisor.run()

    asyncio.run(play())
    assert scene.exits == []
    assert not processes("first") + processes("second")


def test_programs_stop_in_the_reverse_order(scene: Scene) -> None:
    def ends_late(name: str) -> str:
        return SPEAKS_LAST_WORDS.replace("sys.exit(", "__import__('time').sleep(0.1) or sys.exit(")

    async def play() -> None:
        names = ("first", "second")
        supervisor = Supervisor([scene.program(name, ends_late(name)) for name in names], scene.on_exit)
        running = asyncio.create_task(supervisor.run())
        for name in names:
            await scene.starts(name, 1)
        supervisor.stop()
        await running

    asyncio.run(play())
    times = [(scene.folder / f"{name}.log").stat().st_mtime_ns for name in ("first", "second")]
    assert times[0] > times[1]


def test_a_program_that_ignores_sigterm_is_killed(scene: Scene) -> None:
    async def play() -> None:
        task = asyncio.create_task(keep_running(scene.program("first", IGNORES_SIGTERM), scene.on_exit))
        await scene.starts("first", 1)
        task.cancel()
        await asyncio.wait([task])

    asyncio.run(play())
    assert not processes("first")


def test_short_lives_are_followed_by_longer_and_longer_waits() -> None:
    backoff = Backoff(first_seconds=0.2, longest_seconds=5.0)
    assert [backoff.delay(failures) for failures in (0, 1, 2, 3, 10, 10_000)] == [0.0, 0.2, 0.4, 0.8, 5.0, 5.0]


def test_a_healthy_life_forgets_earlier_failures(scene: Scene) -> None:
    async def play() -> float:
        backoff = Backoff(first_seconds=60.0, longest_seconds=60.0, healthy_seconds=0.0)
        task = asyncio.create_task(keep_running(scene.program("first", "print('ready')"), scene.on_exit, backoff))
        started = time.monotonic()
        await scene.starts("first", 2)
        task.cancel()
        await asyncio.wait([task])
        return time.monotonic() - started

    assert asyncio.run(play()) < SOON


def test_a_program_that_cannot_be_started_for_a_while_is_started_later(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    failures = [OSError("no process left")] * 2
    start = asyncio.create_subprocess_exec

    async def sometimes(*command: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop()
        return await start(*command, **options)

    async def play() -> None:
        task = asyncio.create_task(keep_running(scene.program("first"), scene.on_exit, QUICK))
        await scene.starts("first", 1)
        task.cancel()
        await asyncio.wait([task])

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sometimes)
    asyncio.run(play())
    assert scene.exits == [("first", "cannot be started: no process left")] * 2


def test_a_failing_report_stops_everything_and_surfaces(scene: Scene) -> None:
    async def broken(name: str, reason: str) -> None:
        raise ValueError("a mistake of ours")

    async def play() -> None:
        programs = [scene.program("first"), scene.program("second", "pass")]
        with pytest.raises(ValueError, match="a mistake of ours"):
            await Supervisor(programs, broken).run()

    asyncio.run(play())
    assert not processes("first")


def test_a_program_ends_with_a_parent_that_is_killed_however_early() -> None:
    for delay in (0.0, 0.02, 0.2):
        with subprocess.Popen([sys.executable, "-c", PARENT]) as parent:
            child = wait_until(lambda: next(iter(psutil.Process(parent.pid).children()), None))  # noqa: B023
            time.sleep(delay)
            parent.kill()
        wait_until(lambda: not alive(child))  # noqa: B023


def test_a_program_whose_log_is_on_a_full_disk_goes_on(scene: Scene) -> None:
    errors: list[OSError] = []
    log = LogFile(Path("/dev/full"), lambda _, error: errors.append(error))

    async def play() -> None:
        supervisor = Supervisor([scene.program("first", log=log)], scene.on_exit, QUICK)
        running = asyncio.create_task(supervisor.run())
        for _ in range(2):
            await until(lambda: processes("first"))
            await asyncio.sleep(0.2)
            await kill_while_the_loop_is_busy("first")
        await until(lambda: len(scene.exits) == 2)
        supervisor.stop()
        await running

    asyncio.run(play())
    assert [error.strerror for error in errors] == ["No space left on device"]
