"""The rounds of a job, on a real exchange; who computes and who watches is the test's."""

from collections.abc import Callable
from typing import Any

import pytest
from redis import Redis

from dualtrain.api.aggregator import round as round_module
from dualtrain.api.aggregator.briefing import Briefing
from dualtrain.api.aggregator.gatherer import Gatherer
from dualtrain.api.aggregator.plans import Plans
from dualtrain.api.aggregator.saved import Origin
from dualtrain.core.scheduling import Planner
from dualtrain.core.store import Brief, Exchange, Lease
from tests.api.aggregator.rounds import UNITS, Answer, Doubled, Heard, Trained, Workers, measure


@pytest.fixture
def heard() -> Heard:
    return Heard()


@pytest.fixture
def gather(exchange: Redis, heard: Heard, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return a function that makes the round at step 7; it returns the workers, the gatherer and the rows."""
    monkeypatch.setattr(round_module, "FIRST_SECONDS", 0.05)
    monkeypatch.setattr(round_module, "FLOOR_SECONDS", 0.05)

    def gather(answer: Answer, shards: int = 3, taper: bool = False) -> tuple[Workers, Gatherer, Any]:
        ours, training = Exchange(exchange), Trained(Doubled(40 if taper else UNITS))
        workers = Workers(ours, answer)
        planner = Planner(None, compute_seconds=0.1) if taper else Planner(shards)
        gatherer = Gatherer(
            Origin("code", "numerics"),
            Plans(Lease("j", 4), training, planner, workers, lambda: False, workers=2),  # type: ignore[arg-type]
            Briefing(ours, "j", Brief({}, "code", "numerics")),
            ours,
            heard,
        )
        return workers, gatherer, measure(gatherer, 7)

    return gather
