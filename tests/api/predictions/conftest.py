"""A trained network in the store, as an aggregator leaves it there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from redis import Redis

from dualtrain.api.predictions.model_file import parse
from dualtrain.core.data import Dataset, load, scale
from dualtrain.core.job import Status
from dualtrain.core.loop import network_for
from dualtrain.core.rounds import State
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoint, Checkpoints, Jobs, Leases

TRAINED = Path(__file__).parent / "trained.safetensors"
"""A 784-100-10 network, 4 epochs `per-neuron` with momentum: `GET /v1/jobs/{id}/model` of a job with the spec in it."""
STEP = 3752


@pytest.fixture(scope="session")
def digits(data_dir: Path) -> Dataset:
    """MNIST at its own size."""
    return load("mnist", 28, data_dir, ())


@pytest.fixture(scope="session")
def trained(digits: Dataset) -> tuple[JobSpec, State, float]:
    """The spec of the trained network, its last state, its accuracy on the test split."""
    spec, parameters = parse(TRAINED.read_bytes(), lambda spec: None)
    found = network_for(spec).predict(parameters, scale(digits.test_images))
    return spec, State(STEP, parameters), float(np.mean(found == digits.test_labels))


@pytest.fixture
def put_model(store: Redis, submit: Callable[..., str]) -> Callable[..., str]:
    """Return a function that brings a job with these parameters to `succeeded`, and returns its id."""
    jobs, leases, checkpoints = Jobs(store), Leases(store), Checkpoints(store)

    def put(spec: JobSpec, *states: State, accuracy: float | None = None) -> str:
        job_id = submit(**spec.model_dump(mode="json"))
        lease = leases.acquire(job_id)
        assert lease is not None
        jobs.move(job_id, Status.RUNNING, None, lease)
        for state in states:
            metrics: dict[str, Any] = {"test_accuracy": accuracy}
            checkpoints.save(lease, Checkpoint(state.step, {"parameters": state.parameters}, {}), metrics, keep=5)
        jobs.commit(lease, metrics={"best_test_accuracy": accuracy})
        jobs.move(job_id, Status.SUCCEEDED, None, lease)
        leases.release(lease)
        return job_id

    return put


@pytest.fixture
def model_id(put_model: Callable[..., str], trained: tuple[JobSpec, State, float]) -> str:
    """The id of a job with the trained network."""
    spec, state, accuracy = trained
    return put_model(spec, state, accuracy=accuracy)
