"""The one Celery task: computes a shard, a bundle or an evaluation."""

import structlog
from celery import shared_task

from dualtrain.core.store import ServerError
from dualtrain.core.store.broker import TASK, Task
from dualtrain.worker import signals

log = structlog.get_logger()


@shared_task(name=TASK, ignore_result=True)  # type: ignore[untyped-decorator]
def compute(*arguments: int | str) -> None:
    """Compute a task and send its result. Raises nothing: what does not come back is sent again by the aggregator.

    Celery hands an exception to the parent with its traceback, in a message that may come in parts. If the broker is
    lost between two of them, as it is when a result cannot be sent, the parent takes the rest for another message and
    fails.
    """
    try:
        signals.computer().compute(Task.parse(arguments))
    except ServerError as error:
        log.warning("a result was not sent", task=arguments, error=str(error))
    except Exception:
        log.exception("a task came to nothing", task=arguments)
