"""Signals of Celery about a worker's processes: their start and their loss."""

import logging
import os
import socket
import threading
from typing import Any

from billiard.exceptions import WorkerLostError
from celery.signals import task_failure, worker_process_init

from dualtrain.core.runtime.logs import configure
from dualtrain.core.runtime.process import die_with_parent, limit_memory, prepare_to_compute
from dualtrain.core.settings import Settings
from dualtrain.core.store import Exchange, Failure, RowsMessage, connect
from dualtrain.core.store.broker import Task
from dualtrain.worker.computer import Computer

BEAT_SECONDS = 0.5
NICENESS = 10
"""Requests are answered before shards are computed, where both share a processor."""

HEADROOM = 1.5
"""A process may take this many times what jobs may need: estimates are that exact. Beyond, a shard fails."""

_computer: Computer | None = None


def connect_signals() -> None:
    """Connect the handlers."""
    worker_process_init.connect(start)
    task_failure.connect(lost)


def log(**_: Any) -> None:
    """Log as the other processes do, not as Celery does: two lines for each shard cost more than some shards."""
    configure()
    for name in ("celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(name).setLevel(logging.WARNING)


def start(**_: Any) -> None:
    """Prepare a pool process: its end with its parent, its priority, its memory, its heartbeat."""
    die_with_parent()
    prepare_to_compute(NICENESS)
    global _computer
    settings = Settings()
    limit_memory(int(HEADROOM * settings.max_worker_memory))
    _computer = Computer(Exchange(connect(settings.exchange_url)), settings, f"{socket.gethostname()}-{os.getpid()}")
    threading.Thread(target=_computer.beat_forever, args=(BEAT_SECONDS,), daemon=True).start()


def computer() -> Computer:
    """Return this process's computer. Raises RuntimeError outside a pool process."""
    if _computer is None:
        raise RuntimeError("no computer here: run the worker with the prefork pool")
    return _computer


def lost(args: tuple[Any, ...] = (), exception: BaseException | None = None, **_: Any) -> None:
    """Report a task whose process died under it to the aggregator at once. Runs in the parent."""
    if not isinstance(exception, WorkerLostError):
        return
    task = Task.parse(args)
    body = Failure.of(exception).to_bytes()
    rows = RowsMessage(task.step, task.shard, task.shards, RowsMessage.LOST, 0.0, socket.gethostname(), body)
    Exchange(connect(Settings().exchange_url)).send(task.job, task.token, [rows])
