"""What is known of a job before it runs."""

from itertools import count as ticks
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from dualtrain.core import estimate
from dualtrain.core.data import Dataset
from dualtrain.core.estimate import count, measure
from dualtrain.core.loop import Training, network_for
from dualtrain.core.spec import JobSpec

SMALL: dict[str, Any] = {
    "dataset": {"image_size": 4},
    "network": {"layers": [{"units": 3}, {"units": 10}]},
    "batch_size": 8,
}
PARAMETERS = 16 * 3 + 3 + 3 * 10 + 10


def made(**fields: Any) -> JobSpec:
    return JobSpec.model_validate(SMALL | fields)


SAMPLES = 100
METHODS = ("per-parameter", "per-neuron", "forward-gradient", "finite-difference", "spsa")


@pytest.fixture(scope="module")
def data() -> Dataset:
    images = np.random.default_rng(0).integers(0, 256, (SAMPLES, 16)).astype(np.uint8)
    labels = (np.arange(SAMPLES) % 10).astype(np.uint8)
    return Dataset("some", 4, tuple("0123456789"), "", images, labels, images, labels)


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize(
    ("fields", "steps"),
    [
        ({}, 13),
        ({"epochs": 3}, 39),
        ({"epochs": 3, "max_steps": 20}, 20),
        ({"dataset": {"image_size": 4, "train_limit": 50}}, 7),
        ({"dataset": {"image_size": 4, "validation_limit": 92}}, 1),
        ({"local_steps": 2, "replicas": 4}, 4),
        ({"local_steps": 2, "replicas": 5, "epochs": 2}, 6),
        ({"local_steps": 3, "replicas": 5, "epochs": 2, "max_steps": 5}, 5),
        ({"local_steps": 3, "replicas": 4, "dataset": {"image_size": 4, "train_limit": 50}, "dtype": "float64"}, 2),
    ],
)
def test_counts_are_those_of_the_run(data: Dataset, method: str, fields: dict[str, Any], steps: int) -> None:
    spec = made(gradient={"method": method}, optimizer={"name": "sgd", "learning_rate": 1e-3}, **fields)
    training = Training(spec, data)
    sizes = []

    last = training.initial()
    while last.step < training.total_steps:
        vector = training.rounds.vector(last)
        rows = training.rounds.measure(vector, last.step, range(training.rounds.units(last.step)))
        sizes.append(vector.nbytes + sum(row.nbytes for row in rows))
        last = training.rounds.advance(last, rows)
    found = count(spec, SAMPLES)
    assert (found.total_steps, found.rounds) == (steps, len(sizes)) == (last.step, len(sizes))
    assert (found.passes, found.evaluations) == (last.passes, last.evaluations)
    assert found.exchange_bytes_per_round == sizes[0]


def test_passes_and_blocks_are_the_methods_own() -> None:
    spec = made(gradient={"method": "per-parameter"})
    found = count(spec, 100)
    assert (found.parameters, found.passes, found.evaluations) == (PARAMETERS, 13 * PARAMETERS, 0)
    assert found.blocks >= 1
    values = count(made(gradient={"method": "finite-difference"}), 100)
    assert (values.passes, values.evaluations) == (0, 13 * 2 * PARAMETERS)


def test_local_steps_make_fewer_rounds_with_more_in_each() -> None:
    found = count(made(local_steps=2, replicas=4, optimizer={"name": "adam"}), 100)
    assert (found.total_steps, found.rounds, found.blocks) == (4, 2, 4)
    assert found.passes == 13 * PARAMETERS  # 100 samples are 13 batches, and not all 4 replicas have a fourth
    vector = PARAMETERS * np.dtype("float32").itemsize * 3
    assert found.exchange_bytes_per_round == vector + 4 * (vector + 4)  # each row ends with a loss


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_measured(method: str) -> None:
    found = measure(made(gradient={"method": method}), 10)
    assert 0 < found.batch_seconds < 5
    assert 0 < found.update_seconds < 1
    assert 0 < found.sample_seconds < 0.01


def test_what_takes_long_is_timed_in_part_and_scaled_up_to_all_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(estimate, "time", SimpleNamespace(thread_time=ticks().__next__))  # whatever it is takes 1 s
    spec = made(gradient={"method": "per-parameter"})
    blocks = count(spec, SAMPLES).blocks
    assert blocks > 1
    assert measure(spec, 10).batch_seconds == blocks


@pytest.mark.parametrize("method", METHODS)
def test_memory_is_that_of_the_method_and_of_two_vectors(method: str) -> None:
    spec = made(gradient={"method": method})
    found, cost = count(spec, SAMPLES), spec.gradient.cost(network_for(spec), spec.batch_size)
    assert cost.peak_bytes > 0
    assert found.memory_bytes == int(cost.peak_bytes) + 2 * 4 * PARAMETERS
