"""Sending shards to the workers. The one place of the API that knows Celery; tasks go by name."""

from collections.abc import Iterable

from celery import Celery

from core.settings import Settings
from core.store.broker import QUEUE, SHARD_TASK, ShardTask, transport_options


class Dispatcher:
    """Publishes shard tasks. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        self._app = Celery("dualtrain", broker=settings.celery_broker_url, set_as_current=False)
        self._app.conf.update(
            task_ignore_result=True,
            task_serializer="json",
            task_default_queue=QUEUE,
            broker_connection_timeout=4,
            broker_transport_options=transport_options(settings.celery_broker_url),
            # What could not be published is published again by the round, which knows whether it is still wanted.
            task_publish_retry=False,
        )

    def send(self, tasks: Iterable[ShardTask]) -> None:
        """Publish tasks. Raises kombu's OperationalError when the broker is away."""
        with self._app.producer_or_acquire() as producer:
            for task in tasks:
                self._app.send_task(SHARD_TASK, task.arguments(), queue=QUEUE, producer=producer, ignore_result=True)

    def close(self) -> None:
        """Close the broker's connections."""
        self._app.close()
