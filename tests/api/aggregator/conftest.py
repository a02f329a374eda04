"""The rounds of a job, on a real exchange; who computes is the test's."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from dualtrain.core.store import Exchange
from tests.api.aggregator.rounds import Answer, Scene


@pytest.fixture
def scene(exchange: Redis) -> Callable[..., Scene]:
    """Return a function that sets rounds up, with workers that answer so."""

    def scene(answer: Answer, **options: Any) -> Scene:
        return Scene(Exchange(exchange), answer, **options)

    return scene
