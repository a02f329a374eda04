"""What a process keeps of jobs, and which ones it may not compute."""

from dataclasses import replace

import pytest
from redis import Redis

from dualtrain.core.loop import Training
from dualtrain.core.settings import Settings
from dualtrain.core.spec import DatasetSpec
from dualtrain.core.store import Brief, Exchange
from dualtrain.core.store.broker import Task
from dualtrain.worker.job_cache import KEPT_JOBS, Refusal, Trainings


@pytest.fixture
def trainings(server: Exchange, settings: Settings) -> Trainings:
    return Trainings(server, settings, "here-1")


def test_a_job_is_prepared_once_for_an_aggregator(
    trainings: Trainings, server: Exchange, training: Training, task: Task
) -> None:
    first = trainings.of(task)
    assert first is not None
    assert first.spec == training.spec
    server.clear("j", 9)
    assert trainings.of(task._replace(step=5)) is first
    assert trainings.of(task._replace(token=10)) is None


def test_a_job_that_is_not_on_the_exchange_is_not_known(exchange: Redis, trainings: Trainings, task: Task) -> None:
    exchange.flushall()
    assert trainings.of(task) is None


def test_only_the_newest_jobs_are_kept(trainings: Trainings, task: Task) -> None:
    first = trainings.of(task)
    for token in range(10, 10 + KEPT_JOBS - 1):
        trainings.of(task._replace(token=token))
    assert trainings.of(task) is first
    trainings.of(task._replace(token=10 + KEPT_JOBS))
    assert trainings.of(task) is not first


@pytest.mark.parametrize("other", ["code", "numerics"])
def test_work_of_another_code_or_processor_is_refused(
    trainings: Trainings, server: Exchange, brief: Brief, task: Task, other: str
) -> None:
    server.brief("j", replace(brief, **{other: "foreign"}))
    with pytest.raises(Refusal, match="foreign") as refused:
        trainings.of(task)
    assert refused.value.code == "numerics_mismatch"


def test_a_host_without_the_data_set_refuses_and_leaves_the_job_to_others(
    trainings: Trainings, server: Exchange, training: Training, brief: Brief, task: Task
) -> None:
    missing = training.spec.model_copy(update={"dataset": DatasetSpec(name="elsewhere")})
    server.brief("j", replace(brief, spec=missing.model_dump(mode="json")))
    with pytest.raises(Refusal, match="cannot read data set 'elsewhere'") as refused:
        trainings.of(task)
    assert refused.value.code == "data_unavailable"
