"""A worker process: computes what is asked, drops what is stale, refuses what it may not, tells what went wrong."""

import threading
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.core.loop import Training
from dualtrain.core.settings import Settings
from dualtrain.core.store import Brief, Exchange, Failure, Round, Rows, Worker, unpack
from dualtrain.core.store.broker import ShardTask
from dualtrain.worker import shards as computer_module
from dualtrain.worker.shards import AWAKE_SECONDS, REFUSED_SECONDS, Computer


def compute(server: Exchange, settings: Settings, wanted: ShardTask) -> Rows | None:
    return next(iter(compute_all(server, settings, wanted)), None)


def compute_all(server: Exchange, settings: Settings, wanted: ShardTask) -> list[Rows]:
    Computer(server, settings, "here-1").compute(wanted)
    return server.receive("j", wanted.token, 0.05)


def test_the_rows_are_those_of_its_units(
    server: Exchange, settings: Settings, training: Training, task: ShardTask
) -> None:
    units = training.rounds.units(4)
    rows = compute(server, settings, task._replace(last=units))
    assert rows is not None
    assert (rows.outcome, rows.step, rows.worker) == (Rows.DONE, 4, "here-1")
    expected = training.rounds.measure(training.initial().parameters, 4, range(units))
    for got, row in zip(unpack(rows.body), expected, strict=True):
        np.testing.assert_array_equal(got, row)


def offer(server: Exchange, training: Training, *units: tuple[int, int]) -> ShardTask:
    """Offer shards of round 4, and return the task for another one, of its first unit."""
    shards = [ShardTask("j", 9, 4, shard, 1 + len(units), *ends, len(units)) for shard, ends in enumerate(units, 1)]
    server.put("j", Round(9, 4, training.initial().parameters), shards)
    return ShardTask("j", 9, 4, 0, 1 + len(units), 0, 1, len(units))


def test_it_takes_the_shards_that_are_offered(server: Exchange, settings: Settings, training: Training) -> None:
    ends = training.rounds.units(4)
    sent = compute_all(server, settings, offer(server, training, (1, 2), (2, ends)))
    assert [(rows.shard, rows.outcome) for rows in sent] == [(2, Rows.DONE), (1, Rows.DONE), (0, Rows.DONE)]
    got = [row for rows in sent[::-1] for row in unpack(rows.body)]
    expected = training.rounds.measure(training.initial().parameters, 4, range(ends))
    assert all(rows.seconds > 0 for rows in sent)
    assert [row.tobytes() for row in got] == [row.tobytes() for row in expected]


def test_what_goes_wrong_is_told_for_all_shards_in_hand(
    server: Exchange, settings: Settings, training: Training
) -> None:
    task = offer(server, training, (1, 2), (10_000, 10_001), (2, 3))
    sent = compute_all(server, settings, task)
    assert [(rows.shard, rows.outcome) for rows in sent] == [(2, Rows.FAILED), (1, Rows.FAILED), (0, Rows.FAILED)]
    left = server.take(task)
    assert left is not None and left.shard == 3


def test_a_rounds_vector_is_read_once_by_a_process_that_has_several_shards_of_it(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch, task: ShardTask
) -> None:
    read, steps = Exchange.read, list[int]()

    def counted(self: Exchange, wanted: ShardTask, *more: Any, **named: Any) -> Round | None:
        steps.append(wanted.step)
        return read(self, wanted, *more, **named)

    monkeypatch.setattr(Exchange, "read", counted)
    computer = Computer(server, settings, "here-1")
    for shard in (0, 1):
        computer.compute(task._replace(shard=shard, shards=2))
    assert [(rows.shard, rows.outcome) for rows in server.receive("j", 9, 1.0)] == [(0, Rows.DONE), (1, Rows.DONE)]
    assert steps == [4]


def test_a_stale_task_is_dropped(server: Exchange, settings: Settings, task: ShardTask) -> None:
    assert compute(server, settings, task._replace(step=3)) is None


def test_a_task_of_an_aggregator_that_has_left_is_dropped(
    server: Exchange, settings: Settings, task: ShardTask
) -> None:
    server.dismiss("j", 9)
    assert compute(server, settings, task) is None


def test_a_round_is_awaited_and_waiting_is_not_computing(
    server: Exchange, settings: Settings, training: Training, task: ShardTask
) -> None:
    late = threading.Timer(0.5, server.put, ["j", Round(9, 5, training.initial().parameters)])
    late.start()
    rows = compute(server, settings, task._replace(step=5))
    assert rows is not None
    assert (rows.outcome, rows.step) == (Rows.DONE, 5)
    assert 0 < rows.seconds < 0.4
    late.join()


def test_it_waits_awake_for_no_longer_than_it_computed(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch, training: Training, task: ShardTask
) -> None:
    told: list[float] = []
    read = Exchange.read

    def remembering(*arguments: Any, awake_seconds: float) -> Round | None:
        told.append(awake_seconds)
        return read(*arguments, awake_seconds=awake_seconds)

    monkeypatch.setattr(Exchange, "read", remembering)
    computer = Computer(server, settings, "here-1")
    computed = []
    for step in (4, 5):
        server.put("j", Round(9, step, training.initial().parameters))
        computer.compute(task._replace(step=step))
        computed.append(server.receive("j", 9, 1)[0].seconds)
    monkeypatch.setattr(computer_module, "AWAKE_SECONDS", computed[1] / 2)
    server.put("j", Round(9, 6, training.initial().parameters))
    computer.compute(task._replace(step=6))
    assert told == [0, min(AWAKE_SECONDS, computed[0]), computed[1] / 2]


def test_a_round_that_does_not_come_is_told(server: Exchange, settings: Settings, task: ShardTask) -> None:
    rows = compute(server, settings, task._replace(step=5))
    assert rows is not None
    assert (rows.outcome, rows.step) == (Rows.LEFT, 5)
    assert "step 5 of job j did not begin" in rows.failure.text


def test_a_job_that_is_not_on_the_exchange_is_dropped(exchange: Redis, settings: Settings, task: ShardTask) -> None:
    assert compute(Exchange(exchange), settings, task) is None


def test_work_that_this_process_may_not_do_is_refused(
    server: Exchange, settings: Settings, brief: Brief, task: ShardTask
) -> None:
    server.brief("j", replace(brief, code="foreign"))
    rows = compute(server, settings, task)
    assert rows is not None
    assert (rows.outcome, rows.failure.type) == (Rows.REFUSED, "numerics_mismatch")
    assert "the job was planned by code foreign, worker here-1 runs" in rows.failure.text


def test_who_refuses_leaves_the_queue_to_others_for_a_while(
    server: Exchange, settings: Settings, brief: Brief, task: ShardTask
) -> None:
    server.brief("j", replace(brief, code="foreign"))
    began = time.monotonic()
    Computer(server, settings, "here-1").compute(task)
    assert time.monotonic() - began >= REFUSED_SECONDS


def test_an_exception_is_sent_as_type_and_text(server: Exchange, settings: Settings, task: ShardTask) -> None:
    rows = compute(server, settings, task._replace(last=10_000))
    assert rows is not None
    assert rows.outcome == Rows.FAILED
    assert rows.failure.type == "IndexError"


def test_a_lost_connection_is_no_fault_of_the_shard(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch, task: ShardTask
) -> None:
    def read(*_: Any, **__: Any) -> Round:
        raise NoConnection("gone")

    monkeypatch.setattr(Exchange, "read", read)
    rows = compute(server, settings, task)
    assert rows is not None
    assert (rows.outcome, rows.failure) == (Rows.LEFT, Failure("ConnectionError", "gone"))


class Enough(BaseException):
    """The test has seen what it wanted to."""


def test_a_heartbeat_goes_on_after_one_that_could_not_be_sent(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    beat, outcomes = Exchange.beat, iter((NoConnection("gone"), None, Enough()))

    def sometimes(self: Exchange, worker: Worker) -> None:
        if error := next(outcomes):
            raise error
        beat(self, worker)

    monkeypatch.setattr(Exchange, "beat", sometimes)
    with pytest.raises(Enough):
        Computer(server, settings, "here-1").beat_forever(0.0)
    assert [worker.id for worker in server.workers()] == ["here-1"]


def test_a_process_that_hangs_has_its_time_for_each_unit_and_each_step_of_it(
    server: Exchange, settings: Settings, training: Training, brief: Brief, task: ShardTask
) -> None:
    spec = training.spec.model_copy(update={"local_steps": 7})
    local, alarms = Training(spec, training.data), list[int]()
    server.brief("j", replace(brief, spec=spec.model_dump(mode="json")))
    server.put("j", Round(9, 0, local.rounds.vector(local.initial())))
    Computer(server, settings, "here-1", alarms.append).compute(task._replace(step=0, last=2))
    limit = computer_module.LIMIT_SECONDS
    assert alarms == [computer_module.PREPARATION_SECONDS, *[limit] * 2 * (1 + 7), 0]


@pytest.mark.parametrize("ending", ["dismissed", "a later round", "the next step withdrawn", "everything lost"])
def test_a_process_gives_up_between_two_local_steps_what_nobody_waits_for(
    server: Exchange,
    settings: Settings,
    training: Training,
    brief: Brief,
    monkeypatch: pytest.MonkeyPatch,
    ending: str,
) -> None:
    """A cancelled job held its workers until all its local steps were made: for up to 347 days."""
    monkeypatch.setattr(computer_module, "CHECK_SECONDS", -1.0)
    spec = training.spec.model_copy(update={"local_steps": 3, "replicas": 2})
    local = Training(spec, training.data)
    vector = local.rounds.vector(local.initial())
    server.brief("j", replace(brief, spec=spec.model_dump(mode="json")))
    server.put("j", Round(9, 0, vector), withdrawn=3 if ending == "the next step withdrawn" else None)
    steps: list[int] = []

    def alarm(seconds: int) -> None:
        steps.append(seconds)
        if len(steps) == 4:  # in the middle of the first replica
            if ending == "dismissed":
                server.dismiss("j", 9)
            elif ending == "a later round":
                server.put("j", Round(9, 3, vector))
            elif ending == "everything lost":
                server.server.flushall()

    Computer(server, settings, "here-1", alarm).compute(ShardTask("j", 9, 0, 0, 1, 0, 2, 0))
    rows = server.receive("j", 9, 0.05)
    assert bool(rows) == (ending in ("the next step withdrawn", "everything lost"))
    assert (len(steps) < 2 + 2 * (1 + 3)) == (not rows)
