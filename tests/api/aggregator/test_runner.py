"""Jobs that cannot be run, or not here: how they end, what they tell and leave. None of them needs a worker."""

import threading
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualtrain.api.aggregator.report import Report
from dualtrain.api.aggregator.runner import Runner
from dualtrain.api.aggregator.saved import Origin, to_checkpoint
from dualtrain.api.aggregator.services import Services
from dualtrain.api.aggregator.writer import Writer
from dualtrain.core.data import load
from dualtrain.core.job import IMPORTING, Job, Metrics, Reason, Status, new_id
from dualtrain.core.loop import Training
from dualtrain.core.nn import custom
from dualtrain.core.rounds import State
from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Lease, connect, keys
from dualtrain.core.store.broker import ShardTask

SHORT: dict[str, Any] = {"max_steps": 1}


def taken(services: Services, spec: dict[str, Any], name: str = "job-runner") -> Lease:
    """Create a job and return its lease."""
    services.jobs.create(Job(id=name, name="", status=Status.QUEUED, created_at=now(), spec=spec), 5, 10)
    lease = services.leases.acquire(name)
    assert lease is not None
    return lease


def run(services: Services, spec: dict[str, Any], kept: Origin | None = None) -> tuple[Job, Runner]:
    """Run a job whose last checkpoint, if any, is of the origin `kept`; return it and its runner.

    The aggregator stops before the first round: a job that could begin stays as it is.
    """
    lease = taken(services, spec)
    if kept is not None:
        save(services, lease, training_of(services, spec), kept)
    return go_on(services, lease)


def training_of(services: Services, spec: dict[str, Any]) -> Training:
    return Training(JobSpec.model_validate(spec), load("mnist", 12, services.settings.data_dir, ()))


def save(
    services: Services, lease: Lease, training: Training, origin: Origin | None = None, evaluated: bool = False
) -> None:
    """Leave a job with a checkpoint of its first state; `origin` is who did, this code by default."""
    report = Report(training)
    if evaluated:
        report.take(training.evaluate(training.initial()))
    checkpoint = to_checkpoint(training.initial(), report, origin or Origin.here(training.data.sha256))
    services.checkpoints.save(lease, checkpoint, {}, keep=1)


def go_on(services: Services, lease: Lease) -> tuple[Job, Runner]:
    """Run a job in an aggregator that stops before the next round; return it and its runner."""
    stopping = threading.Event()
    stopping.set()
    runner = Runner(services, lease, stopping, Writer(services, lease))
    runner.run()
    return services.jobs.get(lease.job_id), runner


@pytest.fixture
def services(settings: Settings) -> Services:
    return Services.open(settings)


@pytest.mark.parametrize(
    ("change", "code", "words"),
    [
        ({"dataset": {"name": "nobody/nothing"}}, "data_unavailable", "nobody/nothing"),
        ({"initial_weights": "job-of-nobody"}, "weights_unavailable", "job-of-nobody"),
        ({"epochs": "many"}, "internal_error", "ValidationError"),
    ],
)
def test_a_job_that_cannot_begin_fails_and_says_why(
    services: Services, change: dict[str, Any], code: str, words: str
) -> None:
    job, runner = run(services, {**SHORT, **change})
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == code
    assert words in job.status_reason.message
    assert not runner.shun


@pytest.fixture
def disturbed(services: Services, monkeypatch: pytest.MonkeyPatch) -> Callable[[BaseException], Lease]:
    """Return a function that leaves a job whose layer raises an error when it is evaluated; it returns its lease."""

    def disturbed(error: BaseException) -> Lease:
        errors: list[BaseException] = []

        def layer(parameters: Any, inputs: Any) -> Any:
            if errors:
                raise errors[0]
            return inputs

        name = f"raises-{type(error).__name__}"  # layers are found once per process
        monkeypatch.setitem(custom.BUILT_IN, name, layer)
        layers = [{"custom": name}, {"units": 10, "activation": "softmax"}]
        spec = {**SHORT, "network": {"layers": layers}, "gradient": {"method": "spsa"}}
        lease = taken(services, spec)
        save(services, lease, training_of(services, spec), evaluated=True)
        errors.append(error)
        return lease

    return disturbed


def test_a_layer_that_ends_the_thread_fails_its_job(
    services: Services, disturbed: Callable[[BaseException], Lease]
) -> None:
    """It was taken up again, for ever, by one aggregator after the other."""
    job, _ = go_on(services, disturbed(SystemExit(3)))
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert (job.status_reason.code, job.status_reason.message) == ("internal_error", "SystemExit: 3")


@pytest.mark.parametrize("error", [OSError("too many open files"), MemoryError()])
def test_an_error_that_may_pass_leaves_the_job_and_fails_it_only_when_it_stays(
    services: Services, disturbed: Callable[[BaseException], Lease], error: Exception
) -> None:
    lease = disturbed(error)
    for _ in range(5):
        job, runner = go_on(services, lease)
        assert (job.status, runner.disturbed) == (Status.RUNNING, True)
    job, _ = go_on(services, lease)
    assert job.status_reason is not None
    assert (job.status, job.status_reason.code) == (Status.FAILED, "aggregator_killed")


def test_a_job_that_kills_its_aggregators_is_given_up(services: Services) -> None:
    """A segmentation fault in a layer took the aggregator down again and again, and all other jobs with it."""
    lease = taken(services, SHORT)
    for _ in range(5):
        services.jobs.count_attempt(lease)  # by processes that came no further
    job, _ = go_on(services, lease)
    assert job.status_reason is not None
    assert (job.status, job.status_reason.code) == (Status.FAILED, "aggregator_killed")
    assert "custom layer" in job.status_reason.message


def test_a_job_that_is_left_in_good_order_has_as_many_attempts_as_before(services: Services) -> None:
    lease = taken(services, SHORT)
    for _ in range(12):
        job, _ = go_on(services, lease)
    assert job.status is Status.RUNNING


def test_an_alias_does_not_stand_in_for_a_job_that_is_gone(services: Services) -> None:
    training = training_of(services, {})
    lease, gone = services.leases.acquire("job-other"), new_id()
    assert lease is not None
    save(services, lease, training)
    services.documents.put_alias(gone, {"job_id": "job-other", "step": None})
    job, _ = run(services, {**SHORT, "initial_weights": gone})
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == "weights_unavailable"


@pytest.mark.parametrize(("step", "value"), [(None, 2), (1, 1)])
def test_a_job_begins_with_the_weights_that_it_names_the_last_ones_or_those_of_a_step(
    services: Services, step: int | None, value: int
) -> None:
    training, source = training_of(services, SHORT), taken(services, SHORT, "job-source")
    for made in (1, 2):
        state = State(made, np.full(training.network.size, made, np.float32))
        services.checkpoints.save(
            source, to_checkpoint(state, Report(training), Origin("", "")), {"test_accuracy": made}, 2
        )
    services.documents.put_alias("mine", {"job_id": source.job_id, "step": step})
    job, _ = run(services, {**SHORT, "initial_weights": "mine"})
    begun = services.checkpoints.last(job.id)
    assert begun is not None
    assert (begun.step, set(begun.tensors["parameters"].tolist())) == (0, {value})


def test_a_name_that_means_another_owners_job_is_refused(services: Services) -> None:
    """A job of a sweep names its source when it begins; an alias may mean another key's model by then."""
    training, source = training_of(services, SHORT), taken(services, SHORT, "job-source")
    save(services, source, training)
    services.jobs.commit(source, owner="bob")
    services.documents.put_alias("production", {"job_id": source.job_id, "step": None})
    job, _ = run(services, {**SHORT, "initial_weights": "production"})
    assert job.status_reason is not None
    assert (job.status, job.status_reason.code) == (Status.FAILED, "weights_unavailable")


def test_time_and_best_accuracy_go_on_where_another_aggregator_left_them(services: Services) -> None:
    training, lease = training_of(services, SHORT), taken(services, SHORT)
    report = Report(training, elapsed_seconds=100.0, best=0.9)
    checkpoint = to_checkpoint(training.initial(), report, Origin.here(training.data.sha256))
    services.checkpoints.save(lease, checkpoint, {}, keep=1)
    job, _ = go_on(services, lease)
    kept = services.checkpoints.last(job.id)
    assert kept is not None
    assert kept.metadata["elapsed_seconds"] >= 100.0
    assert kept.metadata["best_test_accuracy"] == job.metrics.best_test_accuracy == 0.9


def test_a_job_that_meets_a_full_store_pauses_and_can_be_resumed(
    start_server: Callable[..., str], settings: Settings
) -> None:
    url = start_server()
    services = Services.open(settings.model_copy(update={"redis_url": url}))
    lease = taken(services, SHORT)
    with connect(url) as server:
        server.config_set("maxmemory", 1)
        job, runner = go_on(services, lease)
        server.config_set("maxmemory", 0)
    assert (job.status, job.status_reason and job.status_reason.code) == (Status.PAUSED, "store_full")
    assert runner.full
    services.jobs.move(job.id, Status.RUNNING)
    resumed, _ = go_on(services, lease)
    assert (resumed.status, resumed.status_reason) == (Status.RUNNING, None)
    assert services.checkpoints.last(job.id) is not None


@pytest.mark.parametrize("other", ["code", "numerics"])
def test_a_job_that_other_code_began_waits_for_it_and_says_so(services: Services, other: str) -> None:
    here = Origin.here(load("mnist", 12, services.settings.data_dir, ()).sha256)
    job, runner = run(services, SHORT, Origin(**{"code": here.code, "numerics": here.numerics, other: "older"}))
    assert job.status is Status.RUNNING
    assert job.status_reason is not None
    assert job.status_reason.code == "waiting_for_version"
    assert "older" in job.status_reason.message
    assert runner.shun


def test_a_job_that_waits_for_other_code_is_told_of_once(services: Services) -> None:
    job, runner = run(services, SHORT, Origin(code="older", numerics="n"))
    told = services.store.xlen(keys.EVENTS)
    again, _ = go_on(services, runner.lease)
    assert again.status_reason == job.status_reason
    assert services.store.xlen(keys.EVENTS) == told


def test_what_was_uploaded_in_part_is_not_trained(services: Services) -> None:
    lease = taken(services, SHORT)
    services.jobs.move(lease.job_id, Status.RUNNING, IMPORTING, lease)
    job, _ = go_on(services, lease)
    assert job.status is Status.FAILED
    assert job.status_reason is not None
    assert job.status_reason.code == "import_broken_off"


def test_the_reason_of_a_pause_that_nobody_noticed_does_not_stay(services: Services) -> None:
    lease, training = taken(services, SHORT), training_of(services, SHORT)
    writer = Writer(services, lease)
    services.jobs.move(lease.job_id, Status.RUNNING, None, lease)
    services.jobs.move(lease.job_id, Status.PAUSED, Reason(code="paused", message=""))
    services.jobs.move(lease.job_id, Status.RUNNING, Reason(code="resuming", message=""))
    runner = Runner(services, lease, threading.Event(), writer)
    gatherer = runner._gatherer(services.jobs.get(lease.job_id), training, Origin.here(training.data.sha256))
    writer.tell(Report(training), training.initial(), None, gatherer)
    assert services.jobs.get(lease.job_id).status_reason is None


def test_nobody_waits_for_a_round_of_a_job_that_was_left(services: Services) -> None:
    job, runner = run(services, SHORT)
    assert job.status is Status.RUNNING
    awaited = ShardTask(job.id, runner.lease.token, 0, 0, 1, 0, 1)
    assert services.exchange.read(awaited, np.dtype(np.float32)) is None


def test_a_job_that_was_left_at_its_target_ends_there(services: Services) -> None:
    spec: dict[str, Any] = {"target_accuracy": 0.001}
    lease = taken(services, spec)
    save(services, lease, training_of(services, spec), evaluated=True)
    job, _ = go_on(services, lease)
    assert (job.status, job.progress.step) == (Status.SUCCEEDED, 0)
    assert job.status_reason is not None
    assert job.status_reason.code == "target_accuracy"


def test_the_newest_accuracies_stay_until_there_are_others(services: Services) -> None:
    lease = taken(services, SHORT)
    services.jobs.move(lease.job_id, Status.RUNNING, None, lease)
    known = Metrics(loss=2.0, test_accuracy=0.5, best_test_accuracy=0.6, validation_accuracy=0.4)
    services.jobs.commit(lease, metrics=known.model_dump())
    save(services, lease, training_of(services, SHORT))
    found = go_on(services, lease)[0].metrics
    assert (found.test_accuracy, found.validation_accuracy) == (0.5, 0.4)


@pytest.mark.parametrize("to", [Status.PAUSED, Status.CANCELLED])
def test_a_job_that_was_stopped_before_it_was_taken_is_left_as_it_is(services: Services, to: Status) -> None:
    lease, reason = taken(services, SHORT), Reason(code="by_user", message="")
    services.jobs.move(lease.job_id, Status.RUNNING)
    services.jobs.move(lease.job_id, to, reason)
    told = services.store.xlen(keys.EVENTS)
    job, _ = go_on(services, lease)
    assert (job.status, job.status_reason) == (to, reason)
    assert services.store.xlen(keys.EVENTS) == told
