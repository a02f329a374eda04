"""Sending shards to the workers. The one place of the API that knows Celery; tasks go by name."""

from collections.abc import Sequence
from typing import Any

from celery import Celery
from kombu import Producer
from kombu.transport.redis import Channel
from kombu.utils.json import dumps
from kombu.utils.uuid import uuid

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

    def send(self, tasks: Sequence[ShardTask]) -> None:
        """Publish tasks. Raises kombu's OperationalError or a Redis error when the broker is away."""
        with self._app.producer_or_acquire() as producer:
            if isinstance(producer.channel, Channel):
                self._send_in_one_trip(producer.channel, tasks)
            else:
                self._send_each(producer, tasks)

    def _send_each(self, producer: Producer, tasks: Sequence[ShardTask]) -> None:
        for task in tasks:
            self._app.send_task(SHARD_TASK, task.arguments(), queue=QUEUE, producer=producer, ignore_result=True)

    def _send_in_one_trip(self, channel: Channel, tasks: Sequence[ShardTask]) -> None:
        """Push all messages in one pipeline: kombu's own transport waits for Redis after each."""
        with channel.client.pipeline(transaction=False) as pipe:
            for task in tasks:
                pipe.lpush(QUEUE, dumps(self._message(channel, task)))
            pipe.execute()

    def _message(self, channel: Channel, task: ShardTask) -> dict[str, Any]:
        """Return the message that `send_task` would push."""
        parts = self._app.amqp.as_task_v2(uuid(), SHARD_TASK, task.arguments(), {}, ignore_result=True)
        message: dict[str, Any] = channel.prepare_message(
            dumps(parts.body),
            priority=0,
            content_type="application/json",
            content_encoding="utf-8",
            headers=parts.headers,
            properties=parts.properties,
        )
        channel._inplace_augment_message(message, QUEUE, QUEUE)
        return message

    def close(self) -> None:
        """Close the broker's connections."""
        self._app.close()
