"""A worker's idle processes, killed one after the other; a parent that fails."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from dualtrain.core.settings import Settings
from dualtrain.worker.pool_maintenance import END_SECONDS

START_SECONDS = 30.0
KILLS = 4
LIMIT_SECONDS = 1.0


@pytest.fixture
def worker(settings: Settings) -> Iterator[psutil.Process]:
    """A real Celery worker with two processes."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "dualtrain.worker.app",
        "worker",
        "--concurrency=2",
        "--loglevel=ERROR",
    ]
    process = subprocess.Popen(command, env={**os.environ, **settings.environment()}, stderr=subprocess.DEVNULL)
    yield psutil.Process(process.pid)
    process.terminate()
    assert process.wait(20) == 0


def pool(worker: psutil.Process) -> set[int]:
    return {child.pid for child in worker.children() if lives(child)}


def lives(process: psutil.Process) -> bool:
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:  # it was buried since it was listed
        return False


def seconds_until_there_are_two(worker: psutil.Process, within: float) -> float:
    begin = time.monotonic()
    while len(pool(worker)) < 2:
        assert time.monotonic() - begin < within
        time.sleep(0.01)
    return time.monotonic() - begin


def test_idle_processes_are_replaced_at_once(worker: psutil.Process) -> None:
    seconds_until_there_are_two(worker, START_SECONDS)
    time.sleep(2.0)  # the worker waits for tasks
    for _ in range(KILLS):
        victim = min(pool(worker))
        os.kill(victim, signal.SIGKILL)
        while victim in pool(worker):
            time.sleep(0.001)
        seconds_until_there_are_two(worker, LIMIT_SECONDS)
        time.sleep(1.0)


FAILING = """
from pathlib import Path

from celery import bootsteps

from dualtrain.worker.app import app


class Failing(bootsteps.StartStopStep):
    requires = {"celery.worker.components:Pool"}

    def register_with_event_loop(self, worker, hub):
        hub.call_repeatedly(0.1, fail)


def fail():
    if Path("fail").exists():
        raise MemoryError


app.steps["worker"].add(Failing)
"""


def test_a_parent_that_fails_ends_also_when_a_process_does_not(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "failing.py").write_text(FAILING)
    command = [sys.executable, "-m", "celery", "-A", "failing", "worker", "--concurrency=2", "--loglevel=CRITICAL"]
    environment = {
        **os.environ,
        **settings.environment(),
        "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}",
    }
    process = subprocess.Popen(command, cwd=tmp_path, env=environment, stderr=subprocess.DEVNULL)
    worker = psutil.Process(process.pid)
    try:
        seconds_until_there_are_two(worker, START_SECONDS)
        time.sleep(2.0)
        held, *_ = worker.children()
        held.suspend()
        (tmp_path / "fail").touch()
        assert process.wait(END_SECONDS + 10) == 1
        psutil.wait_procs([held], timeout=10)
        assert not lives(held)
    finally:
        process.kill()
        process.wait()
