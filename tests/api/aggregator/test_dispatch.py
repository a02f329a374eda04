"""What the dispatcher pushes is what Celery itself would push."""

import json

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError

from dualtrain.api.aggregator.dispatch import Dispatcher
from dualtrain.core.settings import Settings
from dualtrain.core.store import Exchange, Round, connect, keys
from dualtrain.core.store.broker import QUEUE, ShardTask

TASKS = [ShardTask("j", 1, 5, shard, 2, shard, shard + 1) for shard in range(2)]
DRAWN = {"id", "root_id", "correlation_id", "reply_to", "delivery_tag", "origin"}


def messages(server: Redis) -> list[object]:
    return [plain(json.loads(one)) for one in server.lrange(keys.CELERY + QUEUE, 0, -1)]


def transactions(server: Redis) -> int:
    return int(server.info("commandstats").get("cmdstat_exec", {"calls": 0})["calls"])


def plain(value: object) -> object:
    """Leave out what is drawn anew for every message."""
    if isinstance(value, dict):
        return {name: plain(one) for name, one in value.items() if name not in DRAWN}
    return value


def test_one_trip_pushes_the_same_messages_as_celery(settings: Settings, exchange: Redis) -> None:
    sent = Round(1, 5, np.arange(3, dtype=np.float32))
    before = transactions(exchange)
    Dispatcher(settings, Exchange(exchange)).send("j", sent, TASKS)
    assert transactions(exchange) == before + 1  # who dies in the middle leaves nothing
    ours = messages(exchange)
    exchange.delete(keys.CELERY + QUEUE)
    other = settings.model_copy(update={"exchange_url": settings.exchange_url + "&client_name=other"})
    Dispatcher(other, Exchange(exchange)).send("j", sent, TASKS)
    assert len(ours) == 2
    theirs = messages(exchange)
    assert ours == theirs
    got = Exchange(exchange).read(TASKS[0], np.dtype(np.float32))
    assert got is not None
    assert (got.token, got.step) == (1, 5)


@pytest.mark.parametrize("query", ["", "&client_name=other"], ids=["one server", "two"])
def test_messages_that_were_made_before_are_pushed_as_they_are(settings: Settings, exchange: Redis, query: str) -> None:
    ours = settings.model_copy(update={"exchange_url": settings.exchange_url + query})
    dispatcher = Dispatcher(ours, Exchange(exchange))
    made = dispatcher.messages(TASKS[:1])
    assert bool(made) == (not query)  # Celery makes its own as it sends them
    dispatcher.send("j", Round(1, 5, np.zeros(3)), TASKS, made=made)
    pushed = exchange.lrange(keys.CELERY + QUEUE, 0, -1)
    assert len(pushed) == 2
    assert set(made.values()) <= {one.decode() for one in pushed}


@pytest.mark.parametrize("query", ["", "&client_name=other"], ids=["one server", "two"])
def test_what_is_offered_is_not_queued(settings: Settings, exchange: Redis, query: str) -> None:
    ours, server = settings.model_copy(update={"exchange_url": settings.exchange_url + query}), Exchange(exchange)
    Dispatcher(ours, server).send("j", Round(1, 5, np.zeros(3)), TASKS[:1], TASKS[1:])
    assert len(messages(exchange)) == 1
    assert server.take(TASKS[0]._replace(offered=1)) == TASKS[1]


@pytest.mark.parametrize("query", ["", "&client_name=other"], ids=["one server", "two"])
def test_a_round_whose_tasks_were_sent_ahead_needs_no_message(settings: Settings, exchange: Redis, query: str) -> None:
    ours, server = settings.model_copy(update={"exchange_url": settings.exchange_url + query}), Exchange(exchange)
    Dispatcher(ours, server).send("j", Round(1, 5, np.zeros(3)), [], withdrawn=6)
    assert messages(exchange) == []
    assert server.read(TASKS[0], np.dtype(float)) is not None
    assert server.read(TASKS[0]._replace(step=6), np.dtype(float)) is None


def test_a_broker_that_is_away_is_told(settings: Settings) -> None:
    gone = settings.model_copy(update={"exchange_url": "redis://127.0.0.1:1/0", "broker_url": "redis://127.0.0.1:1/0"})
    with pytest.raises(ConnectionError):
        Dispatcher(gone, Exchange(connect(gone.exchange_url))).send("j", Round(1, 5, np.zeros(1)), TASKS)
