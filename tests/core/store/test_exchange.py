"""The exchange: what is sent is what arrives, and everything expires."""

from collections.abc import Callable
from contextlib import suppress

import numpy as np
import pytest
from redis import Redis

from dualtrain.core.store import (
    Brief,
    Exchange,
    RoundMessage,
    RowsMessage,
    ServerError,
    ServerFull,
    Worker,
    connect,
    keys,
)
from dualtrain.core.store.broker import Kind, Task


def test_rows_travel_through_the_list_of_their_token(exchange: Redis) -> None:
    ours = Exchange(exchange)
    sent = RowsMessage(7, 1, 2, RowsMessage.DONE, 0.25, "host-ü-12", b"\x00body")
    ours.send("j", 3, [sent])
    assert ours.receive("j", 2, 0.01) == []
    assert ours.receive("j", 3, 0.5) == [sent]


def test_rows_that_are_there_together_are_fetched_together(exchange: Redis) -> None:
    ours = Exchange(exchange)
    sent = [RowsMessage(7, shard, 3, RowsMessage.DONE, 0.25, "w", bytes([shard])) for shard in range(3)]
    ours.send("j", 3, sent[:2])
    ours.send("j", 3, sent[2:])
    assert ours.receive("j", 3, 0.5) == sent
    assert ours.receive("j", 3, 0.01) == []


def a_task(shard: int, step: int = 0) -> Task:
    return Task("j", 1, step, shard, 3, Kind.SHARD, shard, shard + 1)


F4 = np.dtype(np.float32)
WORKER = Worker(id="w", host="h", pid=1, since="", seen="", numerics="", code="", doing=None)


def a_round(step: int) -> RoundMessage:
    return RoundMessage(1, step, np.full(3, step, np.float32))


def test_a_round_is_read_by_the_tasks_of_its_step_only(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.put("j", a_round(4))
    ours.put("j", a_round(5))
    got = ours.read(a_task(0, step=5), F4)
    assert got is not None
    assert (got.token, got.step, got.vector.tolist()) == (1, 5, [5.0, 5.0, 5.0])
    assert ours.read(a_task(0, step=4), F4) is None
    assert ours.read(a_task(0, step=6), F4) is None


def test_a_round_is_over_when_a_later_one_began_or_it_was_dismissed_not_when_all_was_lost(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.put("j", a_round(4))
    assert not ours.is_over(a_task(0, step=4))
    ours.put("j", a_round(5))
    assert ours.is_over(a_task(0, step=4))
    ours.dismiss("j", 1)
    assert ours.is_over(a_task(0, step=5))
    assert ours.read(a_task(0, step=5), F4) is None
    exchange.flushall()
    assert not ours.is_over(a_task(0, step=5))


def test_an_exchange_that_lost_everything_holds_no_round(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.put("j", a_round(4))
    assert ours.holds("j", 1)
    assert not ours.holds("j", 2)
    exchange.flushall()
    assert not ours.holds("j", 1)


def test_every_key_expires(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.brief("j", Brief({}, "code", "numerics"))
    ours.put("j", a_round(0))
    ours.send("j", 1, [RowsMessage(0, 0, 1, RowsMessage.DONE, 0.0, "w", b"")])
    ours.beat(WORKER)
    names = exchange.keys("*")
    assert len(names) == 5
    assert all(exchange.ttl(name) > 0 for name in names)
    assert ours.workers() == [WORKER]
    assert ours.count_workers() == 1
    ours.clear("j", 1)
    ours.dismiss("j", 1)
    assert len(exchange.keys("*")) == 3
    assert all(exchange.ttl(name) > 0 for name in exchange.keys("*"))


def test_a_sender_that_dies_in_the_middle_leaves_nothing(exchange: Redis) -> None:
    before = transactions(exchange)
    Exchange(exchange).send("j", 1, [RowsMessage(0, 0, 1, RowsMessage.DONE, 0.0, "w", b"")])
    assert transactions(exchange) == before + 1


def transactions(server: Redis) -> int:
    """How many the server has carried out, whole or not at all."""
    return int(server.info("commandstats").get("cmdstat_exec", {"calls": 0})["calls"])


def test_a_full_server_frees_the_round_of_who_leaves(start_server: Callable[..., str]) -> None:
    with connect(start_server()) as server:
        ours = Exchange(server)
        ours.put("j", a_round(4))
        server.config_set("maxmemory", 1)
        with pytest.raises(ServerFull):
            ours.put("j", a_round(5))
        with suppress(ServerError):
            ours.dismiss("j", 1)
        assert not server.exists(keys.round_("j", 1))


def test_workers_are_found_without_a_look_at_every_key(exchange: Redis) -> None:
    ours = Exchange(exchange)
    exchange.mset({f"job:{number}": "" for number in range(5000)})
    for name in ("w-1", "w-2"):
        ours.beat(WORKER.model_copy(update={"id": name}))
    before = exchange.info("stats")["total_commands_processed"]
    assert [worker.id for worker in ours.workers()] == ["w-1", "w-2"]
    assert exchange.info("stats")["total_commands_processed"] - before < 5
    exchange.delete(keys.worker("w-1"))
    assert ours.count_workers() == 1
    assert exchange.smembers(keys.WORKERS) == {b"w-2"}


@pytest.mark.parametrize("junk", [b"", b"not json", b"null", b"[]", b"{}", b"\xff" * 400])
def test_what_cannot_be_read_is_dropped(exchange: Redis, junk: bytes) -> None:
    """A heartbeat that was no JSON failed jobs that ran, and rows that were cut off failed theirs."""
    ours = Exchange(exchange)
    ours.beat(WORKER)
    exchange.set(keys.worker("x"), junk)
    exchange.sadd(keys.WORKERS, "x")
    assert [worker.id for worker in ours.workers()] == ["w"]
    rows = RowsMessage(7, 1, 2, RowsMessage.DONE, 0.25, "w", b"body")
    ours.send("j", 3, [rows])
    exchange.rpush(keys.rows("j", 3), junk[:20])
    assert ours.receive("j", 3, 0.5) == [rows]
