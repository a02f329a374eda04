"""The process beside the service: it comes back when it dies, and goes when the service goes."""

import asyncio
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from dualtrain.api.aggregator_process import Companion

PROGRAM = """
import os, sys
with open(os.environ["SEEN"], "a") as file:
    file.write(f"{os.getpid()}\\n")
sys.stdin.read()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program that notes its pid and then waits for the end of its input; the file it notes it in."""
    (tmp_path / "companion_program.py").write_text(PROGRAM)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    return tmp_path / "seen"


async def pids(path: Path, count: int) -> list[int]:
    async with asyncio.timeout(20):
        while not path.exists() or len(path.read_text().split()) < count:
            await asyncio.sleep(0.02)
    return [int(pid) for pid in path.read_text().split()]


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def test_it_comes_back_when_killed_and_is_stopped_in_the_end(module: Path) -> None:
    async def scenario() -> list[int]:
        companion = Companion("companion_program", {"SEEN": str(module)})
        task = asyncio.create_task(companion.run())
        first = (await pids(module, 1))[0]
        os.kill(first, signal.SIGKILL)
        both = await pids(module, 2)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return both

    first, second = asyncio.run(scenario())
    assert first != second
    assert not alive(second)


def test_what_cannot_be_started_now_is_tried_again(module: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failures = [OSError("no process left")] * 2
    start = asyncio.create_subprocess_exec

    async def sometimes(*command: Any, **options: Any) -> Any:
        if failures:
            raise failures.pop()
        return await start(*command, **options)

    async def scene() -> None:
        running = asyncio.create_task(Companion("companion_program", {"SEEN": str(module)}).run())
        await pids(module, 1)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", sometimes)
    asyncio.run(scene())
    assert failures == []
