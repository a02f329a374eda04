"""The supervisor: programs that die at the worst moment are told of, logged and started again."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from circus import watcher
from circus.process import RUNNING, Process

from dualtrain.client.stack.folders import Folders, held
from dualtrain.client.stack.programs import Program
from dualtrain.client.stack.supervisor import FIRST_WAIT_SECONDS, Supervisor

SPEAKS_LAST_WORDS = """
import signal, sys
signal.signal(signal.SIGTERM, lambda *_: sys.exit("last words"))
print("ready", flush=True)
signal.pause()
"""
NAMES = ("first", "second")
TURNS = 3
SOON = 30.0


def pid_of(name: str) -> int:
    """Return the process id of a program, which has its name as its last argument."""
    children = [one for one in psutil.Process().children() if one.status() != psutil.STATUS_ZOMBIE]
    return next(one.pid for one in children if one.cmdline()[-1] == name)


def end_unread(name: str) -> None:
    """End a program and hold up the event loop until it is dead, so that nothing reads its pipes meanwhile."""
    pid = pid_of(name)
    os.kill(pid, signal.SIGTERM)
    end = time.monotonic() + SOON
    while psutil.Process(pid).status() != psutil.STATUS_ZOMBIE and time.monotonic() < end:
        time.sleep(0.005)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(SOON):
        while not true():
            await asyncio.sleep(0.02)


async def scene(folders: Folders, told: list[tuple[str, int]]) -> None:
    """End the first program time and again, and the second each time while the first is reaped."""

    def died(name: str, code: int) -> None:
        told.append((name, code))
        if name == NAMES[0]:
            end_unread(NAMES[1])

    def ready(times: int) -> bool:
        return all((folders.logs / f"{name}.log").read_text().count("ready") == times for name in NAMES)

    script = folders.data / "speaks.py"
    script.write_text(SPEAKS_LAST_WORDS)
    programs = [Program(name, (sys.executable, str(script), name), 5) for name in NAMES]
    supervisor = Supervisor(programs, os.environ, folders, died)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        for turn in range(TURNS):
            await until(lambda: ready(turn + 1))  # noqa: B023
            end_unread(NAMES[0])
        await until(lambda: ready(TURNS + 1))
        supervisor.stop()


def test_programs_that_die_while_others_are_reaped_are_logged_and_come_back(tmp_path: Path) -> None:
    told: list[tuple[str, int]] = []
    with held(tmp_path) as folders:
        asyncio.run(scene(folders, told))
        assert told == [("first", 1), ("second", 1)] * TURNS
        for name in NAMES:
            assert (folders.logs / f"{name}.log").read_text().count("last words") >= TURNS


def first_program(folders: Folders) -> Program:
    script = folders.data / "speaks.py"
    script.write_text(SPEAKS_LAST_WORDS)
    return Program(NAMES[0], (sys.executable, str(script), NAMES[0]), 5)


async def scene_between_two_looks(
    folders: Folders, told: list[tuple[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program dies right after it was seen alive, each time."""
    look = Process.status.fget

    def look_and_end(process: Process) -> str:
        seen: str = look(process)
        alive = seen == RUNNING
        if alive and (folders.logs / "first.log").read_text().count("ready") == len(told) + 1 <= TURNS:
            end_unread("first")
        return seen

    monkeypatch.setattr(Process, "status", property(look_and_end))
    supervisor = Supervisor([first_program(folders)], os.environ, folders, lambda *death: told.append(death))
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await until(lambda: (folders.logs / "first.log").read_text().count("ready") > TURNS)
        supervisor.stop()


def test_a_program_that_dies_right_after_a_look_is_told_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int]] = []
    with held(tmp_path) as folders:
        asyncio.run(scene_between_two_looks(folders, told, monkeypatch))
    assert told == [("first", 1)] * TURNS


async def scene_of_an_early_end(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """The supervisor is told to stop while it starts its programs."""
    spawned = Supervisor._spawned

    def spawn_and_be_stopped(supervisor: Supervisor, *args: Any, **options: Any) -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        return spawned(supervisor, *args, **options)

    monkeypatch.setattr(Supervisor, "_spawned", spawn_and_be_stopped)
    supervisor = Supervisor([first_program(folders)], os.environ, folders, lambda *_: None)
    async with asyncio.timeout(SOON):
        await supervisor.run()


def test_who_is_told_to_stop_while_it_starts_stops(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with held(tmp_path) as folders:
        asyncio.run(scene_of_an_early_end(folders, monkeypatch))
    assert not [one for one in psutil.Process().children() if one.cmdline()[-1:] == ["first"]]


async def scene_of_a_broken_terminal(folders: Folders) -> float:
    """Nobody can be told that a program died; return how many seconds it then waited for its third life."""
    started: list[float] = []

    def died(*_: Any) -> None:
        started.append(time.monotonic())
        raise OSError("no terminal")

    def ready(times: int) -> bool:
        return (folders.logs / "first.log").read_text().count("ready") == times

    supervisor = Supervisor([first_program(folders)], os.environ, folders, died)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        for turn in range(2):
            await until(lambda: ready(turn + 1))  # noqa: B023
            end_unread("first")
        await until(lambda: ready(3))
        waited = time.monotonic() - started[-1]
        supervisor.stop()
    return waited


def test_a_death_that_cannot_be_told_of_is_waited_for_like_any_other(tmp_path: Path) -> None:
    with held(tmp_path) as folders:
        assert asyncio.run(scene_of_a_broken_terminal(folders)) >= FIRST_WAIT_SECONDS * 4


async def scene_without_processes(folders: Folders, monkeypatch: pytest.MonkeyPatch) -> None:
    """A program dies while the machine has no process left for another one."""
    failed: list[None] = []

    def none_left(*_: Any, **__: Any) -> Any:
        failed.append(None)
        raise OSError("no process left")

    def ready(times: int) -> bool:
        return (folders.logs / "first.log").read_text().count("ready") == times

    supervisor = Supervisor([first_program(folders)], os.environ, folders, lambda name, code: None)
    async with asyncio.TaskGroup() as group:
        group.create_task(supervisor.run())
        await until(lambda: ready(1))
        with monkeypatch.context() as patched:
            patched.setattr(watcher, "Process", none_left)
            end_unread("first")
            await until(lambda: len(failed) > 12)
        await until(lambda: ready(2))
        supervisor.stop()


def test_a_program_that_cannot_be_started_for_a_while_is_started_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with held(tmp_path) as folders:
        asyncio.run(scene_without_processes(folders, monkeypatch))
