"""Tasks go to Celery's queue, as Celery has them, in order."""

import base64
import json

import pytest
from kombu.exceptions import OperationalError
from redis import Redis

from dualtrain.api.aggregator.dispatch import Dispatcher
from dualtrain.core.settings import Settings
from dualtrain.core.store import keys
from dualtrain.core.store.broker import QUEUE, TASK, Kind, Task

TASKS = [Task("j", 1, 5, shard, 2, Kind.SHARD, shard, shard + 1) for shard in range(2)]


def test_tasks_are_queued_by_name_in_order(settings: Settings, exchange: Redis) -> None:
    Dispatcher(settings).send(TASKS)
    newest_first = [json.loads(message) for message in exchange.lrange(keys.CELERY + QUEUE, 0, -1)]
    assert [message["headers"]["task"] for message in newest_first] == [TASK] * 2
    bodies = [json.loads(base64.b64decode(message["body"])) for message in reversed(newest_first)]
    assert [Task.parse(arguments) for arguments, *_ in bodies] == TASKS


def test_a_broker_that_is_away_is_reported(settings: Settings) -> None:
    gone = settings.model_copy(update={"broker_url": "redis://127.0.0.1:1/0"})
    with pytest.raises(OperationalError):
        Dispatcher(gone).send(TASKS)
