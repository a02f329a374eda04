"""Sending rounds to the workers. The one place of the API that knows Celery; tasks go by name."""

import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import Any

from celery import Celery
from kombu.exceptions import OperationalError
from kombu.utils.uuid import uuid

from dualtrain.core.settings import Settings
from dualtrain.core.store import Exchange, Round, ServerAway
from dualtrain.core.store.broker import QUEUE, QUEUE_TYPE, SHARD_TASK, ShardTask, transport_options

Messages = Mapping[ShardTask, str]

AWAY = (*ServerAway, OperationalError, OSError)
"""What is raised when the exchange or the broker is away."""

PERSISTENT = 2
"""AMQP's delivery mode of messages that a broker keeps, as Celery has it."""
ID, ARGUMENTS, BODY = "@id@", "@arguments@", "@body@"
"""Marks in the pattern of a message."""


class Dispatcher:
    """Writes a round to the exchange and publishes its tasks. Safe to use from several threads."""

    def __init__(self, settings: Settings, exchange: Exchange) -> None:
        self._exchange = exchange
        self._one_server = settings.broker_url == settings.exchange_url
        self._app = Celery("dualtrain", broker=settings.celery_broker_url, set_as_current=False)
        self._app.conf.update(
            task_ignore_result=True,
            task_serializer="json",
            task_default_queue=QUEUE,
            task_default_queue_type=QUEUE_TYPE,
            broker_connection_timeout=4,
            broker_transport_options=transport_options(settings.celery_broker_url),
            # What could not be published is published again by the round, which knows whether it is still wanted.
            task_publish_retry=False,
        )

    def send(
        self,
        job_id: str,
        round_: Round,
        tasks: Sequence[ShardTask],
        offered: Sequence[ShardTask] = (),
        withdrawn: int | None = None,
        made: Messages = MappingProxyType({}),
    ) -> None:
        """Send a round: `tasks` to the queue; `offered` to be taken by workers that are done with theirs.

        `withdrawn`: the step of a round whose tasks were sent ahead and are void. `made`: what `messages` made of
        tasks, each to be sent once. Raises one of `AWAY` when exchange or broker is away.
        """
        queued = [made.get(task) or self._message(task) for task in tasks] if self._one_server else []
        self._exchange.put(job_id, round_, offered, withdrawn, queued)
        if not self._one_server:
            self._publish(tasks)

    def messages(self, tasks: Sequence[ShardTask]) -> Messages:
        """Return the messages of tasks that will be sent soon: for many workers they take longer than to send them."""
        return {task: self._message(task) for task in tasks} if self._one_server else {}

    def _message(self, task: ShardTask) -> str:
        """Return the message that `send_task` would push, made from one that Celery made."""
        arguments, (pattern, embedded) = task.arguments(), self._pattern
        body = b64encode(f"[{json.dumps(arguments)}, {{}}, {embedded}]".encode()).decode()
        shown = json.dumps(repr(arguments))[1:-1]
        return pattern.replace(ID, uuid()).replace(ARGUMENTS, shown).replace(BODY, body)

    @cached_property
    def _pattern(self) -> tuple[str, str]:
        """A message as Celery and kombu make it, with marks in it, and the end of its body.

        Made anew for each task it would take longer than some shards compute.
        """
        parts = self._app.amqp.as_task_v2(ID, SHARD_TASK, (), {}, argsrepr=ARGUMENTS, ignore_result=True)
        with self._app.connection_for_write() as connection, connection.channel() as channel:
            message: dict[str, Any] = channel.prepare_message(
                json.dumps(parts.body),
                priority=0,
                content_type="application/json",
                content_encoding="utf-8",
                headers=parts.headers,
                properties={**parts.properties, "delivery_mode": PERSISTENT},
            )
            channel._inplace_augment_message(message, "", QUEUE)
        message["properties"]["delivery_tag"] = ID
        return json.dumps({**message, "body": BODY}), json.dumps(parts.body[2])

    def _publish(self, tasks: Sequence[ShardTask]) -> None:
        with self._app.producer_or_acquire() as producer:
            for task in tasks:
                self._app.send_task(SHARD_TASK, task.arguments(), queue=QUEUE, producer=producer, ignore_result=True)
