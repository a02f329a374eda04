"""Metrics: from the store, right with several processes, in a form that Prometheus reads."""

import time
from collections.abc import Callable
from typing import Any

import httpx2
from prometheus_client.parser import text_string_to_metric_families
from redis import Redis

from dualtrain.core.job import Status
from dualtrain.core.runtime.times import now
from dualtrain.core.store import Counters, Exchange, Jobs, Worker
from tests.waiting import until

Samples = dict[tuple[str, tuple[tuple[str, str], ...]], float]
ROUNDS = ("dualtrain_rounds_total", ())


def samples(client: httpx2.Client) -> Samples:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(one.name, tuple(sorted(one.labels.items()))): one.value for family in families for one in family.samples}


def test_jobs_queue_and_workers_are_counted(
    client: httpx2.Client, submit: Callable[..., str], jobs: Jobs, exchange: Redis
) -> None:
    ids = [submit() for _ in range(3)]
    jobs.move(ids[0], Status.RUNNING)
    worker = Worker(id="w-1", host="h", pid=1, since=now(), seen=now(), numerics="", code="", doing=None)
    Exchange(exchange).beat(worker)
    found = samples(client)
    assert found["dualtrain_jobs", (("status", "queued"),)] == 2
    assert found["dualtrain_jobs", (("status", "running"),)] == 1
    assert found["dualtrain_queue_length", ()] == 2
    assert 0 < found["dualtrain_queue_wait_seconds", ()] < 60
    assert found["dualtrain_workers", ()] == 1


def test_counters_of_several_processes_add_up(client: httpx2.Client, store: Redis) -> None:
    for worker in range(3):
        counters = Counters(store)
        counters.add("dualtrain_passes_total", {"method": "per-neuron"}, 30 + worker)
        counters.observe("dualtrain_round_seconds", 0.08)
        counters.flush()
    found = samples(client)
    assert found["dualtrain_passes_total", (("method", "per-neuron"),)] == 93
    assert found["dualtrain_round_seconds_bucket", (("le", "0.1"),)] == 3
    assert found["dualtrain_round_seconds_bucket", (("le", "+Inf"),)] == 3
    assert found["dualtrain_round_seconds_count", ()] == 3
    assert abs(found["dualtrain_round_seconds_sum", ()] - 0.24) < 1e-9


def test_requests_are_timed_by_route_and_status(client: httpx2.Client, submit: Callable[..., str]) -> None:
    job_id = submit()
    for _ in range(4):
        client.get(f"/v1/jobs/{job_id}")
    client.get("/v1/jobs/job-0")
    client.request("PROPFIND", "/v1/jobs")
    counts = "dualtrain_request_seconds_count"
    found = {labels: value for (name, labels), value in samples(client).items() if name == counts}

    def count(method: str, route: str, status: str) -> float:
        return found.get((("method", method), ("route", route), ("status", status)), 0)

    assert count("GET", "/v1/jobs/{job_id}", "200") == 4
    assert count("GET", "/v1/jobs/{job_id}", "404") == 1
    assert any(dict(labels)["method"] == "other" for labels in found)


def train(stack: httpx2.Client, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the ended job of a spec."""
    job = stack.post("/v1/jobs", json=spec).raise_for_status().json()
    while (job := stack.get(f"/v1/jobs/{job['id']}").json())["status"] in ("queued", "running"):
        time.sleep(0.1)
    return dict(job)


def counted(stack: httpx2.Client, rounds: float) -> Samples:
    """Return the samples once so many rounds are counted: counters are written now and then."""
    return until(lambda: found if (found := samples(stack)).get(ROUNDS) == rounds else None)


def test_rounds_shards_and_passes_of_a_job_are_counted(stack: httpx2.Client) -> None:
    before = samples(stack)
    job = train(stack, {"max_steps": 20, "gradient": {"method": "per-neuron"}})
    found = counted(stack, before.get(ROUNDS, 0) + 20)
    grown = {key: value - before.get(key, 0) for key, value in found.items()}
    assert grown[ROUNDS] == 20
    assert grown["dualtrain_round_seconds_count", ()] == 20
    assert grown["dualtrain_shard_seconds_count", ()] >= 1  # short rounds are bundled into one task
    assert grown["dualtrain_passes_total", ()] == job["progress"]["passes"]


def test_the_round_in_which_a_job_diverges_is_counted(stack: httpx2.Client) -> None:
    before = samples(stack).get(ROUNDS, 0)
    spec = {"gradient": {"method": "per-neuron"}, "optimizer": {"name": "sgd", "learning_rate": 1e30}}
    job = train(stack, spec)
    assert job["status_reason"]["code"] == "diverged"
    rounds = before + job["progress"]["step"]
    assert counted(stack, rounds)[ROUNDS] == rounds
