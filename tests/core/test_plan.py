"""What is known of a job before it runs."""

import io
import sys
from typing import Any

import numpy as np
import pytest

from core import plan
from core.plan import Timing, figures, measure, total_steps
from core.spec import JobSpec

SMALL: dict[str, Any] = {
    "dataset": {"image_size": 4},
    "network": {"layers": [{"units": 3}, {"units": 10}]},
    "batch_size": 8,
}
PARAMETERS = 16 * 3 + 3 + 3 * 10 + 10


def made(**fields: Any) -> JobSpec:
    return JobSpec.model_validate(SMALL | fields)


@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, 13),
        ({"epochs": 3}, 39),
        ({"epochs": 3, "max_steps": 20}, 20),
        ({"dataset": {"image_size": 4, "train_limit": 50}}, 7),
        ({"dataset": {"image_size": 4, "validation_limit": 92}}, 1),
        ({"local_steps": 2, "replicas": 4}, 4),
    ],
)
def test_steps(fields: dict[str, Any], steps: int) -> None:
    assert total_steps(made(**fields), 100) == steps


def test_passes_and_blocks_are_the_methods_own() -> None:
    spec = made(gradient={"method": "per-parameter"})
    found = figures(spec, 100)
    assert (found.parameters, found.passes, found.evaluations) == (PARAMETERS, 13 * PARAMETERS, 0)
    assert found.blocks >= 1
    values = figures(made(gradient={"method": "finite-difference"}), 100)
    assert (values.passes, values.evaluations) == (0, 13 * 2 * PARAMETERS)


def test_local_steps_make_fewer_rounds_with_more_in_each() -> None:
    found = figures(made(local_steps=2, replicas=4, optimizer={"name": "adam"}), 100)
    assert (found.total_steps, found.rounds, found.blocks) == (4, 2, 4)
    assert found.passes == 4 * 4 * PARAMETERS
    vector = PARAMETERS * np.dtype("float32").itemsize * 3
    assert found.exchange_bytes_per_round == vector * 5


@pytest.mark.parametrize("method", ["per-parameter", "per-neuron", "forward-gradient", "finite-difference", "spsa"])
def test_every_method_is_measured(method: str) -> None:
    found = measure(made(gradient={"method": method}), 10)
    assert 0 < found.batch_seconds < 5
    assert 0 < found.update_seconds < 1
    assert 0 < found.sample_seconds < 0.01


def test_the_program_answers_a_spec_with_its_times(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    text = made().model_dump_json().encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    plan.main()
    assert Timing.model_validate_json(capsys.readouterr().out).batch_seconds > 0
