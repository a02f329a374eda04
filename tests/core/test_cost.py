"""Costs of a job: bounded for whatever is accepted, and near to what is measured."""

import json
import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as some
from pydantic import ValidationError

from dualtrain.core.cost import cost_faults, job_cost
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec, faults

SETTINGS = Settings()
HIDDEN = {"units": 1000, "activation": "relu"}
LAST = {"units": 10, "activation": "softmax"}
ORIGINAL = {"image_size": 28}


def spec(*layers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"dataset": ORIGINAL, "network": {"layers": [*layers, LAST]}, **fields}


def units(count: int) -> dict[str, Any]:
    return HIDDEN | {"units": count}


MEASURED = [
    {},
    spec(units(500), gradient={"method": "per-neuron"}, batch_size=4096),
    spec(units(100), batch_size=1024),
    spec(units(100), batch_size=64, dtype="float64"),
    spec(units(2000), gradient={"method": "per-neuron"}),
    spec(units(128), units(128), gradient={"method": "per-neuron"}, batch_size=1024),
    spec(units(300), units(300), gradient={"method": "per-neuron"}, batch_size=256, dtype="float64"),
    spec(units(64), units(64), units(64), gradient={"method": "per-neuron"}, batch_size=256),
    spec(HIDDEN, gradient={"method": "forward-gradient"}, batch_size=256),
    spec(HIDDEN, gradient={"method": "forward-gradient", "perturb": "activations"}, batch_size=1024),
    spec(units(512), gradient={"method": "forward-gradient", "directions": 200}, batch_size=128, dtype="float64"),
    spec(units(100), gradient={"method": "forward-gradient", "directions": 8, "distribution": "orthogonal"}),
    spec(HIDDEN, gradient={"method": "spsa"}, batch_size=4096),
    spec(units(4000), gradient={"method": "spsa", "directions": 2}, batch_size=256, dtype="float64"),
    spec(units(200), gradient={"method": "spsa", "directions": 64}, batch_size=64),
    {"network": {"layers": [units(60), LAST]}, "gradient": {"method": "finite-difference"}, "batch_size": 16},
    spec(HIDDEN, gradient={"method": "per-neuron"}, local_steps=2, replicas=8, optimizer={"name": "adam"}),
    spec(HIDDEN, gradient={"method": "spsa", "directions": 1}, local_steps=2, replicas=32, batch_size=16),
    spec(units(100), gradient={"method": "per-neuron"}, local_steps=8, replicas=2),
    spec(units(300), gradient={"method": "per-neuron"}, local_steps=2, replicas=64, batch_size=16),
]
"""Twenty specs from small to large, of every method."""

MEASURE = r"""
import json, re, sys
from pathlib import Path
import dualtrain.worker.computer
from dualtrain.core.data import load
from dualtrain.core.loop import Training
from dualtrain.core.runtime.process import prepare_to_compute
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import pack
prepare_to_compute()
spec = JobSpec.model_validate(json.loads(sys.argv[1]))
training = Training(spec, load("mnist", spec.dataset.image_size, Path(sys.argv[2]), ()))
state, rounds = training.initial(), training.rounds
body = pack(rounds.measure(rounds.vector(state), 0, range(rounds.units(0))))
print(int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1]) * 1024)
"""


@pytest.fixture(scope="module")
def prepared(data_dir: Any) -> str:
    """The data folder with MNIST in the two sizes, so that preparing it is no part of a measurement."""
    from dualtrain.core.data import load

    for size in (12, 28):
        load("mnist", size, data_dir, ())
    return str(data_dir)


@pytest.mark.parametrize("fields", MEASURED, ids=range(len(MEASURED)))
def test_the_memory_of_a_worker_is_near_to_the_measured_peak(fields: dict[str, Any], prepared: str) -> None:
    measured = int(subprocess.check_output([sys.executable, "-c", MEASURE, json.dumps(fields), prepared]))
    computed = job_cost(JobSpec.model_validate(fields)).worker_bytes
    assert measured / 1.5 < computed < measured * 1.5


def among(*values: Any) -> some.SearchStrategy[Any]:
    return some.sampled_from(values)


METHODS = some.one_of(
    some.fixed_dictionaries({"method": among("per-parameter", "per-neuron", "finite-difference")}),
    some.fixed_dictionaries({"method": among("spsa", "forward-gradient"), "directions": among(1, 16, 1_000_000)}),
)
LAYERS = some.lists(among(1, 10, 1024, 1950, 65_536).map(units), max_size=4).map(lambda layers: [*layers, LAST])
SPECS = some.fixed_dictionaries({
    "dataset": some.fixed_dictionaries({"image_size": among(4, 28, 64)}),
    "network": some.fixed_dictionaries({"layers": LAYERS}),
    "gradient": METHODS,
    "optimizer": some.fixed_dictionaries({"name": among("sgd", "momentum", "adam")}),
    "batch_size": among(1, 64, 65_536),
    "local_steps": among(1, 2, 100_000),
    "replicas": among(1, 2, 256),
    "dtype": among("float32", "float64"),
    "keep_checkpoints": among(0, 5, 100),
})  # fmt: skip


@hypothesis_settings(max_examples=300)
@given(SPECS)
def test_whatever_is_accepted_is_within_the_limits(fields: dict[str, Any]) -> None:
    try:
        parsed = JobSpec.model_validate(fields)
    except ValidationError:
        return
    if faults(parsed, 10, 60_000) or list(cost_faults(parsed, SETTINGS)):
        return
    cost = job_cost(parsed)
    assert cost.worker_bytes <= 2 * 2**30
    assert cost.aggregator_bytes <= 2**30
    assert cost.round_bytes <= 512 * 2**20
    assert cost.unit_seconds <= 300
    assert cost.blocks <= 100_000


HOSTILE = [
    (
        {"dataset": {"image_size": 64}, "network": {"layers": [units(1950), units(1024), LAST]}, "batch_size": 65_536},
        "max_blocks",
    ),
    (
        {"dataset": {"image_size": 64}, "network": {"layers": [units(485), LAST]}, "dtype": "float64",
         "gradient": {"method": "spsa", "directions": 1}, "optimizer": {"name": "adam"}, "local_steps": 2,
         "replicas": 256, "batch_size": 1},
        "max_round_bytes",
    ),
    (spec(units(65_536), gradient={"method": "spsa"}, batch_size=65_536), "max_worker_memory"),
    (spec(units(500), local_steps=100_000, replicas=4, batch_size=4096), "max_unit_seconds"),
    ({"dataset": ORIGINAL, "network": {"layers": [units(1000), LAST]}, "keep_checkpoints": 100, "dtype": "float64",
      "optimizer": {"name": "adam"}}, "max_checkpoint_bytes"),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "setting"), HOSTILE, ids=[setting for _, setting in HOSTILE])
def test_a_job_that_costs_too_much_is_refused_with_the_limit(fields: dict[str, Any], setting: str) -> None:
    messages = [fault.message for fault in cost_faults(JobSpec.model_validate(fields), SETTINGS)]
    assert any(f"({setting})" in message and "at most" in message for message in messages)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        spec(units(100), gradient={"method": "per-neuron"}),
        spec(units(100), batch_size=1024),
        spec(units(128), units(128), batch_size=1024),
        spec(units(100), batch_size=256, local_steps=64),
        spec(units(256), units(256), units(256), gradient={"method": "per-neuron"}),
        spec(units(100), gradient={"method": "finite-difference"}),
        spec(units(100), gradient={"method": "forward-gradient", "directions": 256}),
        spec(HIDDEN, gradient={"method": "per-neuron"}, optimizer={"name": "adam"}, keep_checkpoints=20),
    ],
)
def test_ordinary_jobs_are_within_the_limits(fields: dict[str, Any]) -> None:
    assert list(cost_faults(JobSpec.model_validate(fields), SETTINGS)) == []
