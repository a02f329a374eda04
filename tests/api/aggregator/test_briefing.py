"""What workers know of a job is told again before it expires, and whenever something may have been lost."""

import pytest
from redis import Redis

from dualtrain.api.aggregator import briefing as briefing_module
from dualtrain.api.aggregator.briefing import Briefing
from dualtrain.core.store import Brief, Exchange, keys


def test_what_a_job_is_is_told_again_before_it_expires(exchange: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, brief = Exchange(exchange), Brief({"seed": 3}, "code", "numerics")
    briefing = Briefing(ours, "j", brief)
    briefing.tell(anew=False)
    assert ours.read_brief("j") == brief
    exchange.delete(keys.brief("j"))
    briefing.tell(anew=False)
    assert ours.read_brief("j") is None
    briefing.tell(anew=True)
    assert ours.read_brief("j") == brief
    exchange.delete(keys.brief("j"))
    monkeypatch.setattr(briefing_module, "EXPIRES_SECONDS", 0)
    briefing.tell(anew=False)
    assert ours.read_brief("j") == brief
