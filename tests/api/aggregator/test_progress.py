"""Reports of a running job: progress, time left, reason of its end, accuracy."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dualtrain.api.aggregator import progress as progress_module
from dualtrain.api.aggregator.progress import Report, reason_of
from dualtrain.core.data import Dataset
from dualtrain.core.evaluation import Evaluation
from dualtrain.core.loop import End, Moment, Training
from dualtrain.core.rounds import State
from dualtrain.core.scheduling import Lane
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

    def reporting(seconds: float = 0.0, **spec: Any) -> Report:
        whole = {"dataset": {"image_size": 4}, "batch_size": 8, **spec}
        return Report(Training(JobSpec.model_validate(whole), data), seconds=seconds)

    return reporting


def at(step: int) -> State:
    return State(step, np.zeros(1, np.float32))


def evaluated(test: float, validation: float | None = None) -> Evaluation:
    return Evaluation(3, test, validation, np.eye(10, dtype=np.int64))


@pytest.mark.parametrize(
    ("end", "words"),
    [
        (End.TARGET_ACCURACY, "50.00% at step 3"),
        (End.MAX_SECONDS, "after 7.0 s, at step 3"),
        (End.MAX_STEPS, "all its steps"),
        (End.COMPLETED, "all its epochs"),
    ],
)
def test_a_job_says_why_it_ended(reporting: Callable[..., Report], end: End, words: str) -> None:
    training = reporting(target_accuracy=0.5, max_seconds=7).training
    reason = reason_of(end, training, at(3))
    assert reason.code == end.value
    assert words in reason.message


def test_the_time_that_is_left_goes_by_the_last_reports(
    reporting: Callable[..., Report], monkeypatch: pytest.MonkeyPatch
) -> None:
    times = iter((100.0, 101.0, 104.0))
    report = reporting()
    monkeypatch.setattr(progress_module, "time", SimpleNamespace(monotonic=lambda: next(times)))
    told = [report.progress(at(step)) for step in (2, 4, 8)]
    assert [one.steps_per_second for one in told] == [None, 2.0, 1.5]
    assert [one.eta_seconds for one in told] == [None, pytest.approx(3.0), pytest.approx(2 / 1.5)]
    assert [one.total_steps for one in told] == [STEPS] * 3


def test_the_best_accuracy_is_that_of_any_evaluation(reporting: Callable[..., Report]) -> None:
    report = reporting()
    for accuracy in (0.5, 0.7, 0.6):
        report.take(Moment(at(3), [], evaluated(accuracy), None), [])
    told = report.metrics(at(3))
    assert (told.test_accuracy, told.best_test_accuracy) == (0.6, 0.7)


def test_recorded_points_have_the_accuracies_of_their_own_step_only(reporting: Callable[..., Report]) -> None:
    report = reporting()
    figures = [at(step).figures() for step in (2, 3)]
    report.take(Moment(at(3), figures, evaluated(0.7), None), [Lane(0, "w", 1.5, 0)])
    first, second, *_ = [event.point for event in report.events(at(3), evaluated(0.7), [], last=False)]
    assert first is not None and second is not None
    assert (first["step"], first["test_accuracy"]) == (2, None)
    assert (second["step"], second["test_accuracy"], second["worker_seconds"]) == (3, 0.7, 1.5)


def test_the_last_state_is_recorded_whatever_its_step(reporting: Callable[..., Report]) -> None:
    report = reporting()
    report.take(Moment(at(3), [], evaluated(0.7), End.MAX_SECONDS), [])
    points = [event.point for event in report.events(at(3), evaluated(0.7), [], last=True) if event.point]
    assert [(point["step"], point["test_accuracy"]) for point in points] == [(3, 0.7)]
