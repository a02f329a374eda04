"""The one task: a shard of a round."""

import signal

from celery import shared_task

from core.store.broker import SHARD_TASK, ShardTask
from worker import processes

LIMIT_SECONDS = 300
"""A shard takes milliseconds. A process that is at one for so long is ended, replaced, and told of as lost."""


@shared_task(name=SHARD_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def shard(*task: int | str) -> None:
    """Compute a shard and send its rows."""
    # Celery's own time limits leave a timer for each task in the parent until its time has come: 50 MB at full speed.
    signal.alarm(LIMIT_SECONDS)
    try:
        processes.computer().compute(ShardTask.parse(task))
    finally:
        signal.alarm(0)
