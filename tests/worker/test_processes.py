"""The processes of a real Celery worker: one computes what is sent, and is told of when it is lost."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from celery import Celery

from core.numerics import code_version
from core.settings import Settings
from core.store import Exchange, Rows, keys
from core.store.broker import QUEUE, SHARD_TASK, ShardTask

LIMIT_SECONDS = 30.0
Found = TypeVar("Found")


@pytest.fixture
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with one process."""
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "--concurrency=1", "--loglevel=WARNING"]
    process = subprocess.Popen(command, env={**os.environ, **settings.environment()})
    yield process
    process.terminate()
    assert process.wait(20) == 0


def first(look: Callable[[], list[Found]]) -> Found:
    """Return the first thing that is found before the limit."""
    end = time.monotonic() + LIMIT_SECONDS
    while time.monotonic() < end:
        for found in look():
            return found
        time.sleep(0.05)
    raise TimeoutError(f"nothing came within {LIMIT_SECONDS} s")


@pytest.mark.usefixtures("worker")
def test_a_worker_computes_a_shard_and_tells_of_a_lost_process(
    server: Exchange, settings: Settings, task: ShardTask
) -> None:
    alive = first(server.workers)
    assert alive.doing is None
    assert alive.code == code_version()
    app = Celery(broker=settings.celery_broker_url, set_as_current=False)
    app.conf.broker_transport_options = {"global_keyprefix": keys.CELERY}
    app.send_task(SHARD_TASK, task.arguments(), queue=QUEUE, ignore_result=True)
    assert first(lambda: server.receive("j", 9, 1.0)).outcome == Rows.DONE
    os.kill(alive.pid, 9)
    app.send_task(SHARD_TASK, task.arguments(), queue=QUEUE, ignore_result=True)
    assert first(lambda: server.receive("j", 9, 1.0)).outcome in (Rows.DONE, Rows.LOST)
    app.close()
