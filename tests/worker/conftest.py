"""A round on a real exchange, as workers find it."""

import pytest
from redis import Redis

from dualtrain.core.data import load
from dualtrain.core.loop import Training
from dualtrain.core.runtime.fingerprint import code_version, fingerprint
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Brief, Exchange, RoundMessage
from dualtrain.core.store.broker import Kind, Task

SPEC = {"network": {"layers": [{"units": 3, "activation": "tanh"}, {"units": 10, "activation": "softmax"}]}}


@pytest.fixture
def training(settings: Settings) -> Training:
    return Training(JobSpec.model_validate(SPEC), load("mnist", 12, settings.data_dir, ()))


@pytest.fixture
def brief(training: Training) -> Brief:
    return Brief(training.spec.model_dump(mode="json"), code_version(), fingerprint(training.data.sha256))


@pytest.fixture
def server(exchange: Redis, training: Training, brief: Brief) -> Exchange:
    """An exchange on which round 4 of job `j` is open under token 9."""
    ours = Exchange(exchange)
    ours.brief("j", brief)
    ours.put("j", RoundMessage(9, 4, training.initial().parameters))
    return ours


@pytest.fixture
def task() -> Task:
    """The first unit of that round."""
    return Task("j", 9, 4, 0, 1, Kind.SHARD, 0, 1)
