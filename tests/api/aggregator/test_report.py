"""What is told of a running job: how far it is, when it will end, why it ended, what it gets right."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dualtrain.api.aggregator import report as report_module
from dualtrain.api.aggregator.report import Report, document
from dualtrain.core.data import Dataset
from dualtrain.core.loop import Evaluation, Training
from dualtrain.core.rounds import State
from dualtrain.core.spec import JobSpec

STEPS = 10
"""What one epoch has."""


@pytest.fixture(scope="module")
def data() -> Dataset:
    images, labels = np.zeros((STEPS * 8, 16), np.uint8), np.zeros(STEPS * 8, np.uint8)
    return Dataset("some", 4, tuple("0123456789"), "", images, labels, images, labels)


@pytest.fixture
def reporting(data: Dataset) -> Callable[..., Report]:
    """Return a function that makes the report of a job that has run for some seconds."""

    def reporting(elapsed_seconds: float = 0.0, **spec: Any) -> Report:
        whole = {"dataset": {"image_size": 4}, "batch_size": 8, **spec}
        return Report(Training(JobSpec.model_validate(whole), data), elapsed_seconds=elapsed_seconds)

    return reporting


def at(step: int) -> State:
    return State(step, np.zeros(1, np.float32))


def evaluated(test: float, validation: float | None = None) -> Evaluation:
    return Evaluation(3, test, validation, np.eye(10, dtype=np.int64))


def test_the_accuracy_of_a_class_is_that_of_the_samples_which_are_of_it() -> None:
    confusion = np.array([[3, 1, 0], [0, 0, 0], [2, 0, 2]])  # rows are true classes, and of one there is no sample
    told = document(Evaluation(1, 0.625, None, confusion))
    assert told["by_class"] == [0.75, None, 0.5]
    assert told["confusion"] == confusion.tolist()


@pytest.mark.parametrize(("elapsed", "limit", "over"), [(59.9, 60, False), (60.0, 60, True), (1e9, None, False)])
def test_a_job_is_over_when_its_time_is(
    reporting: Callable[..., Report], elapsed: float, limit: float | None, over: bool
) -> None:
    assert reporting(elapsed, max_seconds=limit).over() is over


@pytest.mark.parametrize(
    ("spec", "evaluation", "step", "code", "words"),
    [
        ({"target_accuracy": 0.5}, evaluated(0.5), 3, "target_accuracy", "50.00% at step 3"),
        ({"target_accuracy": 0.5, "max_seconds": 7}, evaluated(0.4), 3, "max_seconds", "after 7.0 s, at step 3"),
        ({"target_accuracy": 0.5, "max_seconds": 7}, evaluated(0.6, 0.4), 3, "max_seconds", "at step 3"),
        ({"target_accuracy": 0.5, "max_steps": 3}, evaluated(0.4, 0.6), 3, "target_accuracy", "at step 3"),
        ({"max_steps": 3}, None, 3, "max_steps", "all its steps"),
        ({"max_steps": STEPS + 1}, None, STEPS, "completed", "all its epochs"),
        ({"target_accuracy": 0.5}, None, STEPS, "completed", "all its epochs"),
    ],
)
def test_a_job_says_why_it_ended(
    reporting: Callable[..., Report],
    spec: dict[str, Any],
    evaluation: Evaluation | None,
    step: int,
    code: str,
    words: str,
) -> None:
    report = reporting(**spec)
    report.evaluation = evaluation
    reason = report.why_ended(at(step))
    assert (reason.code, words in reason.message) == (code, True)


def test_the_time_that_is_left_goes_by_the_last_reports(
    reporting: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((100.0, 101.0, 104.0))
    monkeypatch.setattr(report_module, "time", SimpleNamespace(monotonic=lambda: next(times)))
    report = reporting()
    told = [report.progress(at(step)) for step in (2, 4, 8)]
    assert [one.steps_per_second for one in told] == [None, 2.0, 1.5]
    assert [one.eta_seconds for one in told] == [None, pytest.approx(3.0), pytest.approx(2 / 1.5)]
    assert [one.total_steps for one in told] == [STEPS] * 3


def test_the_best_accuracy_is_that_of_any_evaluation(reporting: Callable[..., Report]) -> None:
    report = reporting()
    for accuracy in (0.5, 0.7, 0.6):
        report.take(evaluated(accuracy))
    told = report.metrics(at(3))
    assert (told.test_accuracy, told.best_test_accuracy) == (0.6, 0.7)
