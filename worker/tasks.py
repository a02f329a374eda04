"""The one task: a shard of a round."""

from celery import shared_task

from core.store.broker import SHARD_TASK, ShardTask
from worker import processes


@shared_task(name=SHARD_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def shard(*task: int | str) -> None:
    """Compute a shard and send its rows."""
    processes.computer().compute(ShardTask.parse(task))
