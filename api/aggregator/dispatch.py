"""Sending tasks to the workers. The one place of the API that knows Celery; tasks go by name."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from celery import Celery
from kombu.exceptions import OperationalError

from dualtrain.core.settings import Settings
from dualtrain.core.store import EXPIRES_SECONDS, Brief, Exchange, RoundMessage, ServerAway
from dualtrain.core.store.broker import QUEUE, QUEUE_TYPE, TASK, Task, transport_options

AWAY = (*ServerAway, OperationalError, OSError)
"""What is raised when the exchange or the broker is away."""


class Dispatcher:
    """Publishes tasks. Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
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

    def send(self, tasks: Sequence[Task]) -> None:
        """Put tasks into the queue, in order. Raises one of `AWAY` when the broker is away."""
        with self._app.producer_or_acquire() as producer:
            for task in tasks:
                self._app.send_task(TASK, task.arguments(), queue=QUEUE, producer=producer, ignore_result=True)


@dataclass
class Link:
    """The way of a job to the workers: the exchange with the job's brief on it, and the queue."""

    exchange: Exchange
    dispatcher: Dispatcher
    brief: Brief
    workers: int = 1
    """How many there were at the last look."""
    _briefed_at: float = field(default=float("-inf"))

    def send(self, job_id: str, message: RoundMessage, tasks: Sequence[Task], *, again: bool) -> None:
        """Write a round and queue tasks of it, the job's brief before them when it may be missing. Raises `AWAY`."""
        if again or time.monotonic() - self._briefed_at > EXPIRES_SECONDS / 2:
            self.exchange.brief(job_id, self.brief)
            self._briefed_at = time.monotonic()
        self.exchange.put(job_id, message)
        self.dispatcher.send(tasks)
