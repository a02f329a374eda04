"""What the aggregator's process tells its jobs, and how it leaves them."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from redis import Redis

from dualtrain.api.aggregator import aggregator as aggregator_module
from dualtrain.api.aggregator.aggregator import Aggregator, Running
from dualtrain.api.aggregator.control import JobControl
from dualtrain.api.aggregator.runner import Outcome, Runner
from dualtrain.core.job import Job, Status
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.store import Counters, Jobs, keys
from tests.waiting import until

STOP_SECONDS = 10.0


@pytest.fixture
def aggregator(settings: Settings) -> Aggregator:
    return Aggregator(settings)


@pytest.fixture
def running(aggregator: Aggregator, monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Thread]:
    """The aggregator at work; its jobs do nothing until it stops."""
    monkeypatch.setattr(Runner, "run", lambda self: self.control._stopping.wait() and None)
    thread = threading.Thread(target=aggregator.run)
    thread.start()
    yield thread
    aggregator.stopping.set()
    thread.join()


def submit(jobs: Jobs, name: str) -> None:
    jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec={}), 5, 10)


def runner(aggregator: Aggregator, name: str) -> Runner:
    """Return who runs a job, once it is taken."""
    until(lambda: name in aggregator._running)
    return aggregator._running[name].runner


@pytest.mark.parametrize("gone", [Status.PAUSED, Status.CANCELLED])
@pytest.mark.usefixtures("running")
def test_a_change_of_status_that_nobody_heard_of_is_seen(
    store: Redis, aggregator: Aggregator, monkeypatch: pytest.MonkeyPatch, gone: Status
) -> None:
    jobs = Jobs(store)
    submit(jobs, "job-first")
    first = runner(aggregator, "job-first")
    monkeypatch.setattr(Aggregator, "_hear", lambda self, channel: time.sleep(0.05))
    time.sleep(1.0)  # what it was listening to before
    jobs.move("job-first", Status.RUNNING)
    time.sleep(0.2)
    assert first.control.status is Status.RUNNING
    jobs.move("job-first", gone)
    until(lambda: first.control.status is gone)


@pytest.mark.usefixtures("running")
def test_a_job_that_is_taken_before_its_acceptance_is_heard_of_goes_on(store: Redis, aggregator: Aggregator) -> None:
    jobs = Jobs(store)
    submit(jobs, "job-first")
    first = runner(aggregator, "job-first")
    store.publish(keys.CONTROL, "job-first queued")
    time.sleep(0.5)
    assert first.control.status is Status.RUNNING
    jobs.move("job-first", Status.CANCELLED)
    until(lambda: first.control.status is Status.CANCELLED)


def test_who_stops_gives_leases_back_and_leaves_no_count_behind(
    store: Redis, aggregator: Aggregator, running: threading.Thread
) -> None:
    submit(Jobs(store), "job-first")
    runner(aggregator, "job-first")
    assert store.exists(keys.lease("job-first"))
    aggregator._stores.counters.add("dualtrain_rounds_total")
    aggregator.stopping.set()
    running.join(STOP_SECONDS)
    assert not store.exists(keys.lease("job-first"))
    assert Counters(store).read()["dualtrain_rounds_total", ()] == 1


def test_a_store_that_is_full_pauses_one_job_and_leaves_those_that_wait(
    store: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    aggregator, jobs = Aggregator(settings.model_copy(update={"concurrent_jobs": 1})), Jobs(store)
    begun: list[str] = []

    def meets_a_full_store(self: Runner) -> None:
        begun.append(self.control.lease.job_id)
        jobs.move(self.control.lease.job_id, Status.RUNNING)
        jobs.move(self.control.lease.job_id, Status.PAUSED)
        self.outcome = Outcome.STORE_FULL

    monkeypatch.setattr(Runner, "run", meets_a_full_store)
    for name in ("job-first", "job-second"):
        submit(jobs, name)
    for _ in range(4):
        aggregator._take_jobs()
        for running in aggregator._running.values():
            running.thread.join()
    assert begun == ["job-first"]
    assert jobs.status("job-second") is Status.QUEUED
    aggregator._postpone(["job-second"], 0.0)
    aggregator._take_jobs()
    aggregator._running["job-second"].thread.join()
    assert begun == ["job-first", "job-second"]


def test_no_more_jobs_run_at_once_than_the_settings_say(
    store: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    aggregator, jobs = Aggregator(settings.model_copy(update={"concurrent_jobs": 2})), Jobs(store)
    monkeypatch.setattr(Runner, "run", lambda self: self.control._stopping.wait() and None)
    for name in ("job-1", "job-2", "job-3"):
        submit(jobs, name)
    for _ in range(2):
        aggregator._take_jobs()
    assert set(aggregator._running) == {"job-1", "job-2"}
    aggregator.stopping.set()
    for running in aggregator._running.values():
        running.thread.join()


def test_a_job_that_cannot_be_gone_on_with_here_is_left_to_others_for_a_while(
    store: Redis, aggregator: Aggregator, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[str] = []

    def is_of_other_code(self: Runner) -> None:
        begun.append(self.control.lease.job_id)
        self.outcome = Outcome.FOREIGN

    monkeypatch.setattr(Runner, "run", is_of_other_code)
    submit(Jobs(store), "job-first")
    for _ in range(3):
        aggregator._take_jobs()
        for running in aggregator._running.values():
            running.thread.join()
    assert begun == ["job-first"]
    assert not store.exists(keys.lease("job-first"))
    aggregator._postpone(["job-first"], 0.0)
    aggregator._take_jobs()
    aggregator._running["job-first"].thread.join()
    assert begun == ["job-first"] * 2


def test_a_lease_that_was_given_back_is_not_renewed(store: Redis, aggregator: Aggregator) -> None:
    submit(Jobs(store), "job-first")
    lease = aggregator._stores.leases.acquire("job-first")
    assert lease is not None
    control = JobControl(lease, threading.Event())
    running = Running(control, Runner(aggregator._stores, control), threading.Thread())
    aggregator._running = LeavesMeanwhile({"job-first": running}, leave=lambda: aggregator._leave("job-first", running))
    aggregator._renew()
    assert not store.exists(keys.lease("job-first"))


class LeavesMeanwhile(dict[str, Running]):
    """The running jobs, of which one is left right after they were listed."""

    def __init__(self, running: dict[str, Running], leave: Callable[[], None]) -> None:
        super().__init__(running)
        self._leave = leave

    def items(self) -> Any:
        listed = list(super().items())
        self._leave()
        return listed


def test_what_cannot_be_cleared_away_is_logged_and_tried_again(
    aggregator: Aggregator,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    def cannot(*_: Any) -> None:
        raise ValueError("a job that nobody can read")

    monkeypatch.setattr(aggregator_module, "reap", cannot)
    aggregator._reap()
    assert "a job that nobody can read" in capsys.readouterr().out + caplog.text


def test_a_job_whose_thread_does_not_stop_gives_up_its_place(
    store: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An endless loop in a layer kept the place, and the lease was renewed, also after the job was deleted."""
    held = threading.Event()
    monkeypatch.setattr(Runner, "run", lambda self: held.wait())
    monkeypatch.setattr(aggregator_module, "STOP_SECONDS", 0.3)
    monkeypatch.setattr(aggregator_module, "END_SECONDS", 0.1)
    aggregator = Aggregator(settings.model_copy(update={"concurrent_jobs": 1}))
    thread = threading.Thread(target=aggregator.run)
    thread.start()
    try:
        jobs = Jobs(store)
        submit(jobs, "job-loop")
        runner(aggregator, "job-loop")
        submit(jobs, "job-next")
        jobs.move("job-loop", Status.CANCELLED)
        runner(aggregator, "job-next")
        assert "job-loop" not in aggregator._running
    finally:
        aggregator.stopping.set()
        held.set()
        thread.join()
