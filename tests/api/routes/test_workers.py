"""Who is working, as each worker process tells of itself."""

from collections.abc import Callable

import httpx2
from redis import Redis

from dualtrain.core.runtime.times import now
from dualtrain.core.store import Doing, Exchange, Worker


def worker(name: str, doing: Doing | None) -> Worker:
    return Worker(id=name, host="h", pid=1, since=now(), seen=now(), numerics="n", code="c", doing=doing)


def test_living_workers_are_listed_by_id_with_all_that_they_tell(
    client: httpx2.Client, exchange: Redis, submit: Callable[..., str]
) -> None:
    told = [worker("h-1", Doing(job=submit(), step=4, shard=2)), worker("h-2", None)]
    for one in reversed(told):
        Exchange(exchange).beat(one)
    assert client.get("/v1/workers").json() == {"data": [one.model_dump() for one in told]}


def test_all_that_they_tell_is_documented(client: httpx2.Client) -> None:
    schema = client.get("/openapi.json").json()["components"]["schemas"]["Worker"]
    assert schema["required"] == list(Worker.model_fields)
