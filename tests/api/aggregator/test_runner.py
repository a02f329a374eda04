"""Jobs that cannot be run, or not here: how they end, what they tell and leave. None of them needs a worker."""

import errno
import threading
from collections.abc import Callable
from dataclasses import asdict
from typing import Any

import numpy as np
import pytest

from dualtrain.api.aggregator import runner as runner_module
from dualtrain.api.aggregator.control import JobControl
from dualtrain.api.aggregator.progress import Report
from dualtrain.api.aggregator.recorder import Notices, Recorder
from dualtrain.api.aggregator.runner import MAX_ATTEMPTS, Outcome, Runner
from dualtrain.api.aggregator.stores import Stores
from dualtrain.core.data import load
from dualtrain.core.job import IMPORTING, Job, Metrics, Reason, Status, new_id
from dualtrain.core.loop import Training
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import Origin
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoint, Lease, connect, keys
from dualtrain.core.store.broker import Kind, Task
from dualtrain.core.store.states import to_checkpoint

SHORT: dict[str, Any] = {"max_steps": 1}


def taken(stores: Stores, spec: dict[str, Any], name: str = "job-runner") -> Lease:
    """Create a job and return its lease."""
    stores.jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 10)
    lease = stores.leases.acquire(name)
    assert lease is not None
    return lease


def run(stores: Stores, spec: dict[str, Any], kept: Origin | None = None) -> tuple[Job, Runner]:
    """Run a job whose last checkpoint, if any, is of the origin `kept`; return it and its runner.

    The aggregator stops before the first round: a job that could begin stays as it is.
    """
    lease = taken(stores, spec)
    if kept is not None:
        save(stores, lease, training_of(stores, spec), kept)
    return go_on(stores, lease)


def training_of(stores: Stores, spec: dict[str, Any]) -> Training:
    return Training(JobSpec.model_validate(spec), load("mnist", 12, stores.settings.data_dir, ()))


def save(
    stores: Stores, lease: Lease, training: Training, origin: Origin | None = None, evaluated: bool = False
) -> None:
    """Leave a job with a checkpoint of its first state; `origin` is who did, this code by default."""
    evaluation = training.evaluate(training.initial()).accuracies() if evaluated else None
    checkpoint = checkpoint_of(training, training.initial(), origin=origin, evaluation=evaluation)
    stores.checkpoints.save(lease, checkpoint, {}, keep=1)


def checkpoint_of(training: Training, state: State, *, origin: Origin | None = None, **metadata: Any) -> Checkpoint:
    """Return a checkpoint as the recorder writes it."""
    origin = origin or Origin.here(training.data.sha256)
    known = {"seconds": 0.0, "worker_seconds": 0.0, "best_test_accuracy": None, "evaluation": None}
    return to_checkpoint(state, {**known, "origin": asdict(origin), **metadata})


def control_of(lease: Lease, *, stopping: bool = False) -> JobControl:
    stop = threading.Event()
    if stopping:
        stop.set()
    return JobControl(lease, stop)


def go_on(stores: Stores, lease: Lease) -> tuple[Job, Runner]:
    """Run a job in an aggregator that stops before the next round; return it and its runner."""
    runner = Runner(stores, control_of(lease, stopping=True))
    runner.run()
    return stores.jobs.get(lease.job_id), runner


@pytest.fixture
def stores(settings: Settings) -> Stores:
    return Stores.open(settings)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"dataset": {"name": "nobody/nothing"}}, "data_unavailable", "nobody/nothing"),
        ({"initial_weights": "job-of-nobody"}, "weights_unavailable", "job-of-nobody"),
        ({"epochs": "many"}, "internal_error", "ValidationError"),
    ],
)
def test_a_job_that_cannot_begin_fails_and_says_why(
    stores: Stores, change: dict[str, Any], code: str, words: str
) -> None:
    job, runner = run(stores, {**SHORT, **change})
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == code
    assert words in job.status_reason.message
    assert runner.outcome is Outcome.LEFT


@pytest.fixture
def disturbed(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Lease]:
    """Return a function that leaves a job whose training raises an error; it returns its lease."""

    def disturbed(error: BaseException) -> Lease:
        def raises(*_: Any) -> Any:
            raise error

        monkeypatch.setattr("dualtrain.api.aggregator.runner.train", raises)
        return taken(stores, SHORT)

    return disturbed


def test_a_layer_that_ends_the_thread_fails_its_job(
    stores: Stores, disturbed: Callable[[BaseException], Lease]
) -> None:
    """It was taken up again, for ever, by one aggregator after the other."""
    job, _ = go_on(stores, disturbed(SystemExit(3)))
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert (job.status_reason.code, job.status_reason.message) == ("internal_error", "SystemExit: 3")


@pytest.mark.parametrize("error", [OSError("too many open files"), MemoryError()])
def test_an_error_that_may_pass_leaves_the_job_and_fails_it_only_when_it_stays(
    stores: Stores, disturbed: Callable[[BaseException], Lease], error: Exception
) -> None:
    lease = disturbed(error)
    for _ in range(5):
        job, runner = go_on(stores, lease)
        assert (job.status, runner.outcome) == (Status.RUNNING, Outcome.DISTURBED)
    job, _ = go_on(stores, lease)
    assert job.status_reason is not None
    assert (job.status, job.status_reason.code) == (Status.FAILED, "aggregator_killed")


def test_a_job_that_kills_its_aggregators_is_given_up(stores: Stores) -> None:
    """A segmentation fault in a layer took the aggregator down again and again, and all other jobs with it."""
    lease = taken(stores, SHORT)
    for _ in range(5):
        stores.jobs.count_attempt(lease)  # by processes that came no further
    job, _ = go_on(stores, lease)
    assert job.status_reason is not None
    assert (job.status, job.status_reason.code) == (Status.FAILED, "aggregator_killed")
    assert "custom layer" in job.status_reason.message


def test_a_job_that_is_left_in_good_order_has_as_many_attempts_as_before(stores: Stores) -> None:
    lease = taken(stores, SHORT)
    for _ in range(12):
        job, _ = go_on(stores, lease)
    assert job.status is Status.RUNNING


def test_an_alias_does_not_stand_in_for_a_job_that_is_gone(stores: Stores) -> None:
    training = training_of(stores, {})
    lease, gone = stores.leases.acquire("job-other"), new_id()
    assert lease is not None
    save(stores, lease, training)
    stores.documents.put_alias(gone, {"job_id": "job-other", "step": None})
    job, _ = run(stores, {**SHORT, "initial_weights": gone})
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == "weights_unavailable"


@pytest.mark.parametrize(("step", "value"), [(None, 2), (1, 1)])
def test_a_job_begins_with_the_weights_that_it_names_the_last_ones_or_those_of_a_step(
    stores: Stores, step: int | None, value: int
) -> None:
    training, source = training_of(stores, SHORT), taken(stores, SHORT, "job-source")
    for made in (1, 2):
        state = State(made, np.full(training.network.size, made, np.float32))
        stores.checkpoints.save(source, checkpoint_of(training, state), {"test_accuracy": made}, 2)
    stores.documents.put_alias("mine", {"job_id": source.job_id, "step": step})
    job, _ = run(stores, {**SHORT, "initial_weights": "mine"})
    begun = stores.checkpoints.last(job.id)
    assert begun is not None
    assert (begun.step, set(begun.tensors["parameters"].tolist())) == (0, {value})


def test_a_name_that_means_another_owners_job_is_refused(stores: Stores) -> None:
    """A job of a sweep names its source when it begins; an alias may mean another key's model by then."""
    training, source = training_of(stores, SHORT), taken(stores, SHORT, "job-source")
    save(stores, source, training)
    stores.jobs.commit(source, owner="bob")
    stores.documents.put_alias("production", {"job_id": source.job_id, "step": None})
    job, _ = run(stores, {**SHORT, "initial_weights": "production"})
    assert job.status_reason is not None
    assert (job.status, job.status_reason.code) == (Status.FAILED, "weights_unavailable")


def test_time_and_best_accuracy_go_on_where_another_aggregator_left_them(stores: Stores) -> None:
    training, lease = training_of(stores, SHORT), taken(stores, SHORT)
    checkpoint = checkpoint_of(training, training.initial(), seconds=100.0, best_test_accuracy=0.9)
    stores.checkpoints.save(lease, checkpoint, {}, keep=1)
    job, _ = go_on(stores, lease)
    kept = stores.checkpoints.last(job.id)
    assert kept is not None
    assert kept.metadata["seconds"] >= 100.0
    assert kept.metadata["best_test_accuracy"] == job.metrics.best_test_accuracy == 0.9


def test_a_job_that_meets_a_full_store_pauses_and_can_be_resumed(
    start_server: Callable[..., str], settings: Settings
) -> None:
    url = start_server()
    stores = Stores.open(settings.model_copy(update={"redis_url": url}))
    lease = taken(stores, SHORT)
    with connect(url) as server:
        server.config_set("maxmemory", 1)
        job, runner = go_on(stores, lease)
        server.config_set("maxmemory", 0)
    assert (job.status, job.status_reason and job.status_reason.code) == (Status.PAUSED, "store_full")
    assert runner.outcome is Outcome.STORE_FULL
    stores.jobs.move(job.id, Status.RUNNING)
    resumed, _ = go_on(stores, lease)
    assert (resumed.status, resumed.status_reason) == (Status.RUNNING, None)
    assert stores.checkpoints.last(job.id) is not None


def test_a_job_whose_data_do_not_fit_on_the_disk_waits_for_space(
    stores: Stores, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> Any:
        raise OSError(errno.ENOSPC, "No space left on device")

    lease = taken(stores, SHORT)
    with monkeypatch.context() as patched:
        patched.setattr(runner_module, "load", full)
        for _ in range(MAX_ATTEMPTS + 1):
            job, runner = go_on(stores, lease)
    assert (job.status, job.status_reason and job.status_reason.code) == (Status.RUNNING, "disk_full")
    assert runner.outcome is Outcome.DISK_FULL
    resumed, _ = go_on(stores, lease)
    assert resumed.status_reason is None or resumed.status_reason.code != "disk_full"


@pytest.mark.parametrize("other", ["code", "numerics"])
def test_a_job_that_other_code_began_waits_for_it_and_says_so(stores: Stores, other: str) -> None:
    here = Origin.here(load("mnist", 12, stores.settings.data_dir, ()).sha256)
    job, runner = run(stores, SHORT, Origin(**{"code": here.code, "numerics": here.numerics, other: "older"}))
    assert job.status is Status.RUNNING
    assert job.status_reason is not None
    assert job.status_reason.code == "waiting_for_version"
    assert "older" in job.status_reason.message
    assert runner.outcome is Outcome.FOREIGN


def test_a_job_that_waits_for_other_code_is_told_of_once(stores: Stores) -> None:
    job, runner = run(stores, SHORT, Origin(code="older", numerics="n"))
    told = stores.store.xlen(keys.EVENTS)
    again, _ = go_on(stores, runner.control.lease)
    assert again.status_reason == job.status_reason
    assert stores.store.xlen(keys.EVENTS) == told


def test_what_was_uploaded_in_part_is_not_trained(stores: Stores) -> None:
    lease = taken(stores, SHORT)
    stores.jobs.move(lease.job_id, Status.RUNNING, IMPORTING, lease)
    job, _ = go_on(stores, lease)
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == "import_broken_off"


def test_the_reason_of_a_pause_that_nobody_noticed_does_not_stay(stores: Stores) -> None:
    lease, training = taken(stores, SHORT), training_of(stores, SHORT)
    control = control_of(lease)
    stores.jobs.move(lease.job_id, Status.RUNNING, None, lease)
    stores.jobs.move(lease.job_id, Status.PAUSED, Reason(code="paused", message=""))
    stores.jobs.move(lease.job_id, Status.RUNNING, Reason(code="resuming", message=""))
    recorder = Recorder(stores, control, Notices(stores, control), Report(training), Origin("", ""))
    recorder.write(training.initial(), None, [], [])
    assert stores.jobs.get(lease.job_id).status_reason is None


def test_nobody_waits_for_a_round_of_a_job_that_was_left(stores: Stores) -> None:
    job, runner = run(stores, SHORT)
    assert job.status is Status.RUNNING
    task = Task(job.id, runner.control.lease.token, 0, 0, 1, Kind.SHARD, 0, 1)
    assert stores.exchange.is_over(task)


def test_a_job_that_was_left_at_its_target_ends_there(stores: Stores) -> None:
    spec: dict[str, Any] = {"target_accuracy": 0.001}
    lease = taken(stores, spec)
    save(stores, lease, training_of(stores, spec), evaluated=True)
    job, _ = go_on(stores, lease)
    assert (job.status, job.progress.step) == (Status.SUCCEEDED, 0)
    assert job.status_reason is not None
    assert job.status_reason.code == "target_accuracy"


def test_the_newest_accuracies_stay_until_there_are_others(stores: Stores) -> None:
    lease = taken(stores, SHORT)
    stores.jobs.move(lease.job_id, Status.RUNNING, None, lease)
    known = Metrics(loss=2.0, test_accuracy=0.5, best_test_accuracy=0.6, validation_accuracy=0.4)
    stores.jobs.commit(lease, metrics=known.model_dump())
    save(stores, lease, training_of(stores, SHORT))
    found = go_on(stores, lease)[0].metrics
    assert (found.test_accuracy, found.validation_accuracy) == (0.5, 0.4)


@pytest.mark.parametrize("to", [Status.PAUSED, Status.CANCELLED])
def test_a_job_that_was_stopped_before_it_was_taken_is_left_as_it_is(stores: Stores, to: Status) -> None:
    lease, reason = taken(stores, SHORT), Reason(code="by_user", message="")
    stores.jobs.move(lease.job_id, Status.RUNNING)
    stores.jobs.move(lease.job_id, to, reason)
    told = stores.store.xlen(keys.EVENTS)
    job, _ = go_on(stores, lease)
    assert (job.status, job.status_reason) == (to, reason)
    assert stores.store.xlen(keys.EVENTS) == told
