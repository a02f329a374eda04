"""A worker process: computes what is asked, drops what is stale, refuses what it may not, tells what went wrong."""

import json
import time
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from dualtrain.core.loop import Training
from dualtrain.core.rounds import bundle_vector, make_round
from dualtrain.core.settings import Settings
from dualtrain.core.store import Brief, BundleResult, Exchange, Failure, RoundMessage, RowsMessage, Worker, unpack
from dualtrain.core.store.broker import Kind, Task
from dualtrain.worker import computer as computer_module
from dualtrain.worker.computer import REFUSED_SECONDS, Computer


def compute(server: Exchange, settings: Settings, wanted: Task) -> RowsMessage | None:
    return next(iter(compute_all(server, settings, wanted)), None)


def compute_all(server: Exchange, settings: Settings, wanted: Task) -> list[RowsMessage]:
    Computer(server, settings, "here-1").compute(wanted)
    return server.receive("j", wanted.token, 0.05)


def test_the_rows_are_those_of_its_units(server: Exchange, settings: Settings, training: Training, task: Task) -> None:
    units = training.rounds.units(4)
    rows = compute(server, settings, task._replace(last=units))
    assert rows is not None
    assert (rows.outcome, rows.step, rows.worker) == (RowsMessage.DONE, 4, "here-1")
    expected = training.rounds.measure(training.initial().parameters, 4, range(units))
    for got, row in zip(unpack(rows.body), expected, strict=True):
        np.testing.assert_array_equal(got, row)


def test_an_exception_in_one_unit_is_reported(server: Exchange, settings: Settings, task: Task) -> None:
    rows = compute(server, settings, task._replace(first=10_000, last=10_001))
    assert rows is not None
    assert rows.outcome == RowsMessage.FAILED


def test_a_bundle_ends_with_the_bits_of_single_rounds(
    server: Exchange, settings: Settings, training: Training, task: Task
) -> None:
    state = replace(training.initial(), step=4)
    server.put("j", RoundMessage(9, 4, bundle_vector(state)))
    rows = compute(server, settings, task._replace(kind=Kind.BUNDLE, first=4, last=9))
    assert rows is not None
    result = BundleResult.from_bytes(rows.body)
    expected = state
    for _ in range(5):
        expected = make_round(training.rounds, expected)
    assert result.figures == expected.figures()
    recorded = [step for step in range(5, 10) if training.recorded_steps.due(step - 1, step)]
    assert [point["step"] for point in result.points] == recorded
    assert [vector.tobytes() for vector in result.vectors] == [expected.parameters.tobytes()]


def test_a_bundle_has_its_time(
    server: Exchange, settings: Settings, training: Training, task: Task, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(computer_module, "BUNDLE_SECONDS", 0.0)
    server.put("j", RoundMessage(9, 4, bundle_vector(replace(training.initial(), step=4))))
    rows = compute(server, settings, task._replace(kind=Kind.BUNDLE, first=4, last=900))
    assert rows is not None
    assert BundleResult.from_bytes(rows.body).figures["step"] == 5


def test_an_evaluation_is_that_of_the_round_s_parameters(
    server: Exchange, settings: Settings, training: Training, task: Task
) -> None:
    rows = compute(server, settings, task._replace(kind=Kind.EVALUATION, first=0, last=0))
    assert rows is not None
    expected = training.evaluate(replace(training.initial(), step=4)).document()
    assert json.loads(rows.body) == expected


def test_a_rounds_vector_is_read_once_by_a_process_that_has_several_shards_of_it(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    read, steps = Exchange.read, list[int]()

    def counted(self: Exchange, wanted: Task, dtype: Any) -> RoundMessage | None:
        steps.append(wanted.step)
        return read(self, wanted, dtype)

    monkeypatch.setattr(Exchange, "read", counted)
    computer = Computer(server, settings, "here-1")
    for shard in (0, 1):
        computer.compute(task._replace(shard=shard, shards=2))
    outcomes = [(rows.shard, rows.outcome) for rows in server.receive("j", 9, 1.0)]
    assert outcomes == [(0, RowsMessage.DONE), (1, RowsMessage.DONE)]
    assert steps == [4]


def test_a_stale_task_is_dropped(server: Exchange, settings: Settings, task: Task) -> None:
    assert compute(server, settings, task._replace(step=3)) is None


def test_a_task_of_an_aggregator_that_has_left_is_dropped(server: Exchange, settings: Settings, task: Task) -> None:
    server.dismiss("j", 9)
    assert compute(server, settings, task) is None


def test_a_job_that_is_not_on_the_exchange_is_dropped(exchange: Redis, settings: Settings, task: Task) -> None:
    assert compute(Exchange(exchange), settings, task) is None


def test_work_that_this_process_may_not_do_is_refused(
    server: Exchange, settings: Settings, brief: Brief, task: Task
) -> None:
    server.brief("j", replace(brief, code="foreign"))
    rows = compute(server, settings, task)
    assert rows is not None
    assert (rows.outcome, rows.failure.type) == (RowsMessage.REFUSED, "numerics_mismatch")
    assert "the job was planned by code foreign, worker here-1 runs" in rows.failure.text


def test_who_refuses_leaves_the_queue_to_others_for_a_while(
    server: Exchange, settings: Settings, brief: Brief, task: Task
) -> None:
    server.brief("j", replace(brief, code="foreign"))
    began = time.monotonic()
    Computer(server, settings, "here-1").compute(task)
    assert time.monotonic() - began >= REFUSED_SECONDS


def test_an_exception_is_sent_as_type_and_text(server: Exchange, settings: Settings, task: Task) -> None:
    rows = compute(server, settings, task._replace(last=10_000))
    assert rows is not None
    assert rows.outcome == RowsMessage.FAILED
    assert rows.failure.type == "IndexError"


def test_a_lost_connection_is_no_fault_of_the_shard(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch, task: Task
) -> None:
    def read(*_: Any, **__: Any) -> RoundMessage:
        raise NoConnection("gone")

    monkeypatch.setattr(Exchange, "read", read)
    rows = compute(server, settings, task)
    assert rows is not None
    assert (rows.outcome, rows.failure) == (RowsMessage.LEFT, Failure("ConnectionError", "gone"))


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
    server: Exchange, settings: Settings, training: Training, brief: Brief, task: Task
) -> None:
    spec = training.spec.model_copy(update={"local_steps": 7})
    local, alarms = Training(spec, training.data), list[int]()
    server.brief("j", replace(brief, spec=spec.model_dump(mode="json")))
    server.put("j", RoundMessage(9, 0, local.rounds.vector(local.initial())))
    Computer(server, settings, "here-1", alarms.append).compute(task._replace(step=0, last=2))
    limit = computer_module.LIMIT_SECONDS
    assert alarms == [computer_module.PREPARATION_SECONDS, *[limit] * 2 * (1 + 7), 0]


@pytest.mark.parametrize("ending", ["dismissed", "a later round", "nothing", "everything lost"])
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
    server.put("j", RoundMessage(9, 0, vector))
    steps: list[int] = []

    def alarm(seconds: int) -> None:
        steps.append(seconds)
        if len(steps) == 4:  # in the middle of the first replica
            if ending == "dismissed":
                server.dismiss("j", 9)
            elif ending == "a later round":
                server.put("j", RoundMessage(9, 3, vector))
            elif ending == "everything lost":
                server.server.flushall()

    Computer(server, settings, "here-1", alarm).compute(Task("j", 9, 0, 0, 1, Kind.SHARD, 0, 2))
    rows = server.receive("j", 9, 0.05)
    assert bool(rows) == (ending in ("nothing", "everything lost"))
    assert (len(steps) < 2 + 2 * (1 + 3)) == (not rows)
