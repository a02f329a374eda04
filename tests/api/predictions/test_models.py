"""Models at hand: those that were asked for last stay."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from redis import Redis

from dualtrain.api.predictions import models
from dualtrain.api.predictions.models import Models
from dualtrain.api.security import ANYONE
from dualtrain.core.rounds import State
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Checkpoint, Checkpoints, Documents, Jobs


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs whose checkpoints are read, one after the other."""
    read: list[str] = []
    load = Checkpoints.load

    def spy(self: Checkpoints, job_id: str, step: int) -> Checkpoint | None:
        read.append(job_id)
        return load(self, job_id, step)

    monkeypatch.setattr(Checkpoints, "load", spy)
    return read


@pytest.fixture
def found(store: Redis, data_dir: Path) -> Models:
    return Models(Jobs(store), Checkpoints(store), Documents(store), data_dir)


def test_the_least_recently_used_model_is_evicted(
    put_model: Callable[..., str], found: Models, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    vector = np.zeros(3110, np.float32)
    monkeypatch.setattr(models, "CACHE_BYTES", 2 * vector.nbytes)
    ids = [put_model(JobSpec(), State(1, vector)) for _ in range(3)]
    for number in (0, 1, 0, 2, 0, 1):
        assert found.of_job(ANYONE, ids[number]).job_id == ids[number]
    assert read == [ids[0], ids[1], ids[2], ids[1]]


def test_one_model_is_cached_however_large_it_is(
    put_model: Callable[..., str], found: Models, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(models, "CACHE_BYTES", 1)
    job_id = put_model(JobSpec(), State(1, np.ones(3110, np.float32)))
    for _ in range(2):
        assert found.of_job(ANYONE, job_id).parameters.tolist() == [1.0] * 3110
    assert read == [job_id]
