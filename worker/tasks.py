"""The one task: a shard of a round."""

import structlog
from celery import shared_task

from dualtrain.core.store import ServerError
from dualtrain.core.store.broker import SHARD_TASK, ShardTask
from dualtrain.worker import signals

log = structlog.get_logger()


@shared_task(name=SHARD_TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def shard(*task: int | str) -> None:
    """Compute a shard and send its rows. Raises nothing: what does not come back is sent again by the aggregator.

    Celery hands an exception to the parent with its traceback, in a message that may come in parts. If the broker is
    lost between two of them, as it is when rows cannot be sent, the parent takes the rest for another message and
    fails.
    """
    try:
        signals.computer().compute(ShardTask.parse(task))
    except ServerError as error:
        log.warning("rows were not sent", task=task, error=str(error))
    except Exception:
        log.exception("a shard came to nothing", task=task)
