"""The table of a sweep: mean and deviation over the seeds."""

import numpy as np
import pytest

from dualtrain.core.sweep import Cell, Outcome, mean_history, summarize


def outcome(cell: int, seed: int, accuracy: float | None, status: str = "succeeded") -> Outcome:
    return Outcome(job_id=f"job-{cell}{seed}", cell=cell, seed=seed, status=status, test_accuracy=accuracy)


def test_a_summary_has_mean_and_deviation_of_the_jobs_that_succeeded() -> None:
    outcomes = [outcome(0, 1, 0.9), outcome(0, 0, 0.8), outcome(0, 2, 0.1, "failed"), outcome(1, 0, 0.5)]
    first, second = summarize((Cell(0, "a", {}), Cell(1, "b", {"epochs": 2})), outcomes)
    assert (first.n, first.test_accuracy.values) == (2, [0.8, 0.9])
    assert first.test_accuracy.mean == pytest.approx(0.85)
    assert first.test_accuracy.std == pytest.approx(np.std([0.8, 0.9], ddof=1))
    assert (second.n, second.test_accuracy.mean, second.test_accuracy.std) == (1, 0.5, None)
    assert second.set == {"epochs": 2}


def test_the_mean_history_is_the_mean_at_each_step() -> None:
    curves = [[{"step": 1, "loss": 2.0}, {"step": 5, "loss": 1.0}], [{"step": 1, "loss": 4.0}]]
    assert mean_history(curves, ["loss"]) == [
        {"step": 1, "n": 2, "loss": {"mean": 3.0, "std": pytest.approx(2**0.5)}},
        {"step": 5, "n": 1, "loss": {"mean": 1.0, "std": None}},
    ]
