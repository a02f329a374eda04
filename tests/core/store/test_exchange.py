"""The exchange: what is sent is what arrives, and everything expires."""

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress

import numpy as np
import pytest
from redis import Redis

from dualtrain.core.store import Brief, Exchange, Round, Rows, ServerError, ServerFull, Worker, connect, keys
from dualtrain.core.store import exchange as exchange_module
from dualtrain.core.store.broker import ShardTask


def test_rows_travel_through_the_list_of_their_token(exchange: Redis) -> None:
    ours = Exchange(exchange)
    sent = Rows(7, 1, 2, Rows.DONE, 0.25, "host-ü-12", b"\x00body")
    ours.send("j", 3, [sent])
    assert ours.receive("j", 2, 0.01) == []
    assert ours.receive("j", 3, 0.5) == [sent]


def test_rows_that_are_there_together_are_fetched_together(exchange: Redis) -> None:
    ours = Exchange(exchange)
    sent = [Rows(7, shard, 3, Rows.DONE, 0.25, "w", bytes([shard])) for shard in range(3)]
    ours.send("j", 3, sent[:2])
    ours.send("j", 3, sent[2:])
    assert ours.receive("j", 3, 0.5) == sent
    assert ours.receive("j", 3, 0.01) == []


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever waits for a round has the time that a busy machine may take to put it."""
    monkeypatch.setattr(exchange_module, "AWAIT_SECONDS", 4.0)


def a_task(shard: int, step: int = 0, offered: int = 2) -> ShardTask:
    return ShardTask("j", 1, step, shard, 3, shard, shard + 1, offered)


def test_what_is_offered_is_taken_once_and_in_order(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.put("j", Round(1, 0, np.zeros(3, np.float32)), [a_task(1), a_task(2)])
    assert ours.take(a_task(0, step=3)) is None  # of another round
    assert ours.take(a_task(0, offered=0)) is None
    assert [ours.take(a_task(0)) for _ in range(3)] == [a_task(1), a_task(2), None]


def test_what_is_offered_anew_takes_the_place_of_what_was_left(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.put("j", Round(1, 0, np.zeros(3, np.float32)), [a_task(1), a_task(2)])
    ours.put("j", Round(1, 0, np.zeros(3, np.float32)), [a_task(2)])
    assert [ours.take(a_task(0)) for _ in range(2)] == [a_task(2), None]


F4 = np.dtype(np.float32)
WORKER = Worker(id="w", host="h", pid=1, since="", seen="", numerics="", code="", doing=None)


def a_round(step: int) -> Round:
    return Round(1, step, np.full(3, step, np.float32))


def test_a_round_is_read_by_the_tasks_of_its_step_only(exchange: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    ours = Exchange(exchange)
    monkeypatch.setattr(exchange_module, "AWAIT_SECONDS", 0.01)
    ours.put("j", a_round(4))
    ours.put("j", a_round(5))
    got = ours.read(a_task(0, step=5), F4)
    assert got is not None
    assert (got.token, got.step, got.vector.tolist()) == (1, 5, [5.0, 5.0, 5.0])
    assert ours.read(a_task(0, step=4), F4) is None
    with pytest.raises(TimeoutError, match=r"step 6 of job j did not begin within 0.01 s"):
        ours.read(a_task(0, step=6), F4)


def waits(ours: Exchange, step: int, awake_seconds: float = 0.0) -> Future[Round | None]:
    """A read in a thread of its own, which has begun to wait."""
    blocked = ours.server.info("clients")["blocked_clients"]
    pool = ThreadPoolExecutor(1)
    reading = pool.submit(ours.read, a_task(0, step=step), F4, awake_seconds)
    pool.shutdown(wait=False)
    while ours.server.info("clients")["blocked_clients"] == blocked:
        time.sleep(0.005)
    return reading


def test_a_round_is_awaited(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.put("j", a_round(4))
    reading = waits(ours, 5)
    ours.put("j", a_round(4))
    assert not reading.done()
    ours.put("j", a_round(5))
    got = reading.result(5)
    assert got is not None
    assert got.step == 5


@pytest.mark.parametrize("awake_seconds", [0.0, 0.02, 10.0])
def test_a_round_is_awaited_awake_for_as_long_as_is_said(
    exchange: Redis, monkeypatch: pytest.MonkeyPatch, awake_seconds: float
) -> None:
    looks: list[None] = []
    monkeypatch.setattr("os.sched_yield", lambda: looks.append(None))
    ours = Exchange(exchange)
    reading = waits(ours, 5, awake_seconds)
    time.sleep(0.1)
    before = len(looks)
    time.sleep(0.1)
    after = len(looks)
    ours.put("j", a_round(5))
    assert reading.result(5) is not None
    assert (before > 0, after > before) == (awake_seconds > 0, awake_seconds > 1)


def test_who_waits_for_a_round_that_is_withdrawn_goes_and_the_round_may_come_yet(exchange: Redis) -> None:
    ours = Exchange(exchange)
    reading = waits(ours, 5)
    for _ in range(2):
        ours.put("j", a_round(4), withdrawn=5)
    assert reading.result(5) is None
    assert ours.read(a_task(0, step=5), F4) is None
    present = ours.read(a_task(0, step=4), F4)
    assert present is not None
    assert present.step == 4
    ours.put("j", a_round(5))
    assert ours.read(a_task(0, step=5), F4) is not None


def test_nobody_waits_for_an_aggregator_that_has_left(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.put("j", a_round(4))
    reading = waits(ours, 5)
    for _ in range(2):
        ours.dismiss("j", 1)
    assert reading.result(5) is None
    assert ours.read(a_task(0, step=10**9), F4) is None


def test_every_key_expires(exchange: Redis) -> None:
    ours = Exchange(exchange)
    ours.brief("j", Brief({}, "code", "numerics"))
    ours.put("j", Round(1, 0, np.zeros(3, np.float32)), [a_task(1)])
    ours.send("j", 1, [Rows(0, 0, 1, Rows.DONE, 0.0, "w", b"")])
    ours.beat(WORKER)
    names = exchange.keys("*")
    assert len(names) == 6
    assert all(exchange.ttl(name) > 0 for name in names)
    assert ours.workers() == [WORKER]
    assert ours.count_workers() == 1
    ours.clear("j", 1)
    ours.dismiss("j", 1)
    assert len(exchange.keys("*")) == 4
    assert all(exchange.ttl(name) > 0 for name in exchange.keys("*"))


SENDING: dict[str, Callable[[Exchange], None]] = {
    "rows": lambda ours: ours.send("j", 1, [Rows(0, 0, 1, Rows.DONE, 0.0, "w", b"")]),
    "a round": lambda ours: ours.put("j", Round(1, 0, np.zeros(3, np.float32)), [a_task(1)], withdrawn=1),
    "farewell": lambda ours: ours.dismiss("j", 1),
}


@pytest.mark.parametrize("send", SENDING.values(), ids=SENDING)
def test_a_sender_that_dies_in_the_middle_leaves_nothing(exchange: Redis, send: Callable[[Exchange], None]) -> None:
    before = transactions(exchange)
    send(Exchange(exchange))
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
    rows = Rows(7, 1, 2, Rows.DONE, 0.25, "w", b"body")
    ours.send("j", 3, [rows])
    exchange.rpush(keys.rows("j", 3), junk[:20])
    assert ours.receive("j", 3, 0.5) == [rows]
