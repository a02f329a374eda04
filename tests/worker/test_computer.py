"""A worker process: computes what is asked, drops what is stale, refuses what it may not, tells what went wrong."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from api.aggregator.saved import Origin
from core.data import load
from core.settings import Settings
from core.spec import DatasetSpec, JobSpec
from core.store import Exchange, Round, Rows, unpack
from core.store.broker import KEY_PREFIX, QUEUE, SHARD_TASK, ShardTask
from core.training import Training
from worker import computer as computer_module
from worker.computer import AWAKE_SECONDS, Computer

SPEC = {"network": {"layers": [{"units": 3, "activation": "tanh"}, {"units": 10, "activation": "softmax"}]}}


@pytest.fixture
def training(settings: Settings) -> Training:
    return Training(JobSpec.model_validate(SPEC), load("mnist", 12, settings.data_dir, ()))


@pytest.fixture
def server(exchange: Redis, training: Training) -> Exchange:
    """An exchange on which round 4 of job `j` is open under token 9."""
    ours = Exchange(exchange)
    tell(ours, training, Origin.here(training.data.sha256))
    ours.put("j", Round(9, 4, training.initial().parameters))
    return ours


def tell(server: Exchange, training: Training, origin: Origin) -> None:
    server.brief("j", {"spec": training.spec.model_dump(mode="json"), "code": origin.code, "numerics": origin.numerics})


def task(first: int = 0, last: int = 1, token: int = 9, step: int = 4) -> ShardTask:
    return ShardTask("j", token, step, 0, 1, first, last)


def compute(server: Exchange, settings: Settings, wanted: ShardTask) -> Rows | None:
    return next(iter(compute_all(server, settings, wanted)), None)


def compute_all(server: Exchange, settings: Settings, wanted: ShardTask) -> list[Rows]:
    Computer(server, settings, "here-1").compute(wanted)
    return server.receive("j", wanted.token, 0.05)


def test_the_rows_are_those_of_its_units(server: Exchange, settings: Settings, training: Training) -> None:
    units = training.rounds.units(4)
    rows = compute(server, settings, task(0, units))
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


def test_a_stale_task_is_dropped(server: Exchange, settings: Settings) -> None:
    assert compute(server, settings, task(step=3)) is None


def test_a_task_of_an_aggregator_that_has_left_is_dropped(server: Exchange, settings: Settings) -> None:
    server.dismiss("j", 9)
    assert compute(server, settings, task()) is None


def test_a_round_is_awaited_and_waiting_is_not_computing(
    server: Exchange, settings: Settings, training: Training
) -> None:
    late = threading.Timer(0.5, server.put, ["j", Round(9, 5, training.initial().parameters)])
    late.start()
    rows = compute(server, settings, task(step=5))
    assert rows is not None
    assert (rows.outcome, rows.step) == (Rows.DONE, 5)
    assert 0 < rows.seconds < 0.4
    late.join()


def test_it_waits_awake_for_no_longer_than_it_computed(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch, training: Training
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
        computer.compute(task(step=step))
        computed.append(server.receive("j", 9, 1)[0].seconds)
    monkeypatch.setattr(computer_module, "AWAKE_SECONDS", computed[1] / 2)
    server.put("j", Round(9, 6, training.initial().parameters))
    computer.compute(task(step=6))
    assert told == [0, min(AWAKE_SECONDS, computed[0]), computed[1] / 2]


def test_a_round_that_does_not_come_is_told(server: Exchange, settings: Settings) -> None:
    rows = compute(server, settings, task(step=5))
    assert rows is not None
    assert (rows.outcome, rows.step) == (Rows.LEFT, 5)
    assert "step 5 of job j did not begin" in rows.problem["text"]


def test_a_job_that_is_not_on_the_exchange_is_dropped(exchange: Redis, settings: Settings) -> None:
    assert compute(Exchange(exchange), settings, task()) is None


@pytest.mark.parametrize("other", ["code", "numerics"])
def test_work_of_another_code_or_processor_is_refused(
    server: Exchange, settings: Settings, training: Training, other: str
) -> None:
    here = Origin.here(training.data.sha256)
    tell(server, training, Origin(**{"code": here.code, "numerics": here.numerics, other: "foreign"}))
    rows = compute(server, settings, task())
    assert rows is not None
    assert rows.outcome == Rows.REFUSED
    assert rows.problem["type"] == "numerics_mismatch"
    assert "foreign" in rows.problem["text"]


def test_a_host_without_the_data_set_refuses_and_leaves_the_job_to_others(
    server: Exchange, settings: Settings, training: Training
) -> None:
    missing = training.spec.model_copy(update={"dataset": DatasetSpec(name="elsewhere")})
    tell(server, replace(training, spec=missing), Origin.here(training.data.sha256))
    rows = compute(server, settings, task())
    assert rows is not None
    assert (rows.outcome, rows.problem["type"]) == (Rows.REFUSED, "data_unavailable")
    assert "cannot read data set 'elsewhere'" in rows.problem["text"]


def test_an_exception_is_sent_as_type_and_text(server: Exchange, settings: Settings) -> None:
    rows = compute(server, settings, task(0, 10_000))
    assert rows is not None
    assert rows.outcome == Rows.FAILED
    assert rows.problem["type"] == "IndexError"


@pytest.fixture
def worker(settings: Settings) -> Iterator[subprocess.Popen[bytes]]:
    """A real Celery worker with one process."""
    command = [sys.executable, "-m", "celery", "-A", "worker.app", "worker", "--concurrency=1", "--loglevel=WARNING"]
    environment = {**os.environ, **{f"DUALTRAIN_{k.upper()}": str(v) for k, v in _urls(settings).items()}}
    process = subprocess.Popen(command, env=environment)
    yield process
    process.terminate()
    assert process.wait(20) == 0


def _urls(settings: Settings) -> dict[str, Any]:
    return {name: getattr(settings, name) for name in ("redis_url", "exchange_url", "broker_url", "data_dir")}


def heartbeat(server: Exchange) -> dict[str, Any]:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        if found := server.workers():
            return found[0]
        time.sleep(0.05)
    raise TimeoutError("no heartbeat within 30 s")


def received(server: Exchange) -> Rows:
    end = time.monotonic() + 30
    while time.monotonic() < end:
        for rows in server.receive("j", 9, 1.0):
            return rows
    raise TimeoutError("no rows within 30 s")


def test_a_celery_worker_computes_a_shard_and_tells_of_a_lost_process(
    server: Exchange, settings: Settings, worker: subprocess.Popen[bytes]
) -> None:
    from celery import Celery

    alive = heartbeat(server)
    assert alive["doing"] is None
    assert alive["code"] == Origin.here("").code
    app = Celery(broker=settings.celery_broker_url, set_as_current=False)
    app.conf.broker_transport_options = {"global_keyprefix": KEY_PREFIX}
    app.send_task(SHARD_TASK, task().arguments(), queue=QUEUE, ignore_result=True)
    assert received(server).outcome == Rows.DONE
    os.kill(alive["pid"], 9)
    app.send_task(SHARD_TASK, task().arguments(), queue=QUEUE, ignore_result=True)
    assert received(server).outcome in (Rows.DONE, Rows.LOST)
    app.close()


def test_a_lost_connection_is_no_fault_of_the_shard(
    server: Exchange, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def read(*_: Any, **__: Any) -> Round:
        raise NoConnection("gone")

    monkeypatch.setattr(Exchange, "read", read)
    rows = compute(server, settings, task())
    assert rows is not None
    assert (rows.outcome, rows.problem["text"]) == (Rows.LEFT, "gone")


def test_a_process_that_hangs_has_its_time_for_each_unit_and_each_step_of_it(
    exchange: Redis, settings: Settings, training: Training
) -> None:
    spec = training.spec.model_copy(update={"local_steps": 7})
    local, server, alarms = Training(spec, training.data), Exchange(exchange), list[int]()
    tell(server, local, Origin.here(local.data.sha256))
    server.put("j", Round(9, 0, local.rounds.vector(local.initial())))
    Computer(server, settings, "here-1", alarms.append).compute(task(0, 2, step=0))
    limit = computer_module.LIMIT_SECONDS
    assert alarms == [computer_module.PREPARATION_SECONDS, 7 * limit, 7 * limit, 0]
