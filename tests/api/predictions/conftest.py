"""A trained network in the store, as an aggregator leaves it there."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from redis import Redis

from core.data import Dataset, load
from core.job import Status
from core.rounds import State
from core.spec import JobSpec
from core.store import Checkpoint, Checkpoints, Jobs, Leases
from core.train import run
from core.training import Training

FULL_SIZE = {
    "dataset": {"name": "mnist", "image_size": 28},
    "network": {"layers": [{"units": 100, "activation": "relu", "initializer": "he"},
                           {"units": 10, "activation": "softmax", "initializer": "xavier"}]},
    "gradient": {"method": "per-neuron"},
    "optimizer": {"name": "momentum", "learning_rate": 0.05, "schedule": {"name": "cosine"}},
    "epochs": 4,
    "evaluate_every": 1000,
}  # fmt: skip


@pytest.fixture(scope="session")
def digits(data_dir: Path) -> Dataset:
    """MNIST at its own size."""
    return load("mnist", 28, data_dir, ())


@pytest.fixture(scope="session")
def trained(digits: Dataset) -> tuple[JobSpec, State, float]:
    """A 784-100-10 network of about 97.7 % on the test split: its spec, its last state, its test accuracy."""
    training = Training(JobSpec.model_validate(FULL_SIZE), digits)
    state = run(training)
    return training.spec, state, training.evaluate(state).test_accuracy


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
