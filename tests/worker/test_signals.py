"""The processes of a real Celery worker: one computes what is sent, and is told of when it is lost."""

import os
import resource
import subprocess
import sys
from collections.abc import Iterator

import pytest
from billiard.exceptions import WorkerLostError
from celery import Celery
from celery.utils.dispatch import Signal

from dualtrain.core.runtime.fingerprint import code_version
from dualtrain.core.settings import Settings
from dualtrain.core.store import Exchange, RowsMessage, keys
from dualtrain.core.store.broker import QUEUE, TASK, Task
from dualtrain.worker import signals
from tests.waiting import until


@pytest.fixture
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A worker with one process."""
    command = [
        sys.executable,
        "-m",
        "celery",
        "-A",
        "dualtrain.worker.app",
        "worker",
        "--concurrency=1",
        "--loglevel=WARNING",
    ]
    process = subprocess.Popen(command, env={**os.environ, **settings.environment()})
    yield process
    process.terminate()
    assert process.wait(20) == 0


@pytest.mark.usefixtures("worker")
def test_a_worker_computes_a_shard_and_tells_of_a_lost_process(
    server: Exchange, settings: Settings, task: Task
) -> None:
    alive = until(server.workers)[0]
    assert alive.doing is None
    assert alive.code == code_version()
    assert resource.prlimit(alive.pid, resource.RLIMIT_DATA)[0] < 1.5 * settings.max_worker_memory + 2**30
    app = Celery(broker=settings.celery_broker_url, set_as_current=False)
    app.conf.broker_transport_options = {"global_keyprefix": keys.CELERY}
    app.send_task(TASK, task.arguments(), queue=QUEUE, ignore_result=True)
    assert until(lambda: server.receive("j", 9, 1.0))[0].outcome == RowsMessage.DONE
    os.kill(alive.pid, 9)
    app.send_task(TASK, task.arguments(), queue=QUEUE, ignore_result=True)
    assert until(lambda: server.receive("j", 9, 1.0))[0].outcome in (RowsMessage.DONE, RowsMessage.LOST)
    app.close()


def test_of_a_shard_whose_process_died_the_aggregator_is_told_and_of_no_other_failure(
    server: Exchange, settings: Settings, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    failure = Signal()
    monkeypatch.setattr(signals, "task_failure", failure)
    monkeypatch.setattr(signals, "worker_process_init", Signal())
    signals.connect_signals()
    for error in (ValueError("the process told of this itself"), WorkerLostError("signal 9")):
        failure.send(sender=None, args=task.arguments(), exception=error)
    (rows,) = server.receive("j", 9, 1.0)
    assert (rows.outcome, rows.step, rows.shard, rows.shards) == (RowsMessage.LOST, 4, 0, 1)
    assert rows.failure.type == "WorkerLostError"
    assert "signal 9" in rows.failure.text
