"""Ready: what can be reached, and what cannot."""

from collections.abc import Callable
from contextlib import AbstractContextManager

import httpx2
import pytest
from redis import Redis

from dualtrain.core.runtime.times import now
from dualtrain.core.settings import Settings
from dualtrain.core.store import Exchange, Worker

NOWHERE = "redis://127.0.0.1:1/0"


def test_with_a_worker_it_is_ready(client: httpx2.Client, exchange: Redis) -> None:
    Exchange(exchange).beat(Worker(id="w", host="h", pid=1, since=now(), seen=now(), numerics="", code="", doing=None))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["status"]) == (200, "ok")
    assert answer.json()["checks"] == {"store": "ok", "exchange": "ok", "workers": "1"}


@pytest.mark.parametrize(("server", "field"), [("store", "redis_url"), ("exchange", "exchange_url")])
def test_an_unavailable_server_is_named_without_its_address(
    settings: Settings, serve: Callable[[Settings], AbstractContextManager[str]], server: str, field: str
) -> None:
    with serve(settings.model_copy(update={field: NOWHERE})) as url:
        answer = httpx2.get(f"{url}/readyz")
    assert (answer.status_code, answer.json()["code"]) == (503, "not_ready")
    assert "127.0.0.1" not in answer.text  # nobody without a key learns addresses
    unavailable = {name for name, result in answer.json()["checks"].items() if result == "unavailable"}
    assert unavailable == ({"store"} if server == "store" else {"exchange", "workers"})
