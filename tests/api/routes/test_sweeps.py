"""Sweeps over HTTP: accepted whole or not at all, shown with their figures, changed as a whole, and each key's own."""

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import httpx2
import pyarrow.parquet
import pytest
from redis import Redis

from dualtrain.core.job import Status
from dualtrain.core.store import Jobs, keys
from tests.api.conftest import Caller
from tests.waiting import until

SWEEP = {
    "name": "rates",
    "base": {"max_steps": 20, "gradient": {"method": "per-neuron"}},
    "variants": [{"name": "sgd"}, {"name": "momentum", "set": {"optimizer.name": "momentum"}}],
    "grid": {"optimizer.learning_rate": [0.3, 0.1]},
    "seeds": 3,
}


@pytest.fixture
def post(client: httpx2.Client) -> Callable[..., dict[str, Any]]:
    """Return a function that posts a sweep and returns it."""

    def post(**changes: Any) -> dict[str, Any]:
        answer = client.post("/v1/sweeps", json={**SWEEP, **changes})
        assert answer.status_code == 202, answer.text
        assert answer.headers["Location"] == f"/v1/sweeps/{answer.json()['id']}"
        sweep: dict[str, Any] = answer.json()
        return sweep

    return post


def queued(client: httpx2.Client, sweep_id: str, count: int) -> None:
    until(lambda: client.get(f"/v1/sweeps/{sweep_id}").json()["counts"]["missing"] == 0, 10, "the sweep's jobs")
    assert client.get(f"/v1/sweeps/{sweep_id}").json()["counts"]["queued"] == count


def succeed(store: Redis, jobs: Jobs, accuracy: Callable[[int], float]) -> None:
    """Let every queued job succeed with an accuracy by its seed."""
    for job_id in jobs.ids(Status.QUEUED):
        seed = jobs.get(job_id).spec["seed"]
        metrics = {"test_accuracy": accuracy(seed), "best_test_accuracy": accuracy(seed), "loss": 0.5}
        store.hset(keys.job(job_id), "metrics", json.dumps(metrics))
        for step in (10, 20):
            store.rpush(keys.history(job_id), json.dumps({"step": step, "loss": seed + step, "seconds": 1.0}))
        jobs.move(job_id, Status.RUNNING)
        jobs.move(job_id, Status.SUCCEEDED)


def test_a_sweep_queues_its_jobs_and_shows_them_by_status(client: httpx2.Client, post: Callable[..., Any]) -> None:
    sweep = post()
    assert (sweep["status"], sweep["jobs"], len(sweep["cells"])) == ("running", 12, 4)
    queued(client, sweep["id"], 12)
    listed = client.get("/v1/jobs", params={"limit": 100}).json()["data"]
    assert {job["sweep"]["id"] for job in listed} == {sweep["id"]}
    assert {job["sweep"]["cell"] for job in listed} == {cell["name"] for cell in sweep["cells"]}


def test_the_table_has_mean_and_deviation_in_three_forms(
    client: httpx2.Client, store: Redis, jobs: Jobs, post: Callable[..., Any]
) -> None:
    sweep = post(variants=[])
    queued(client, sweep["id"], 6)
    succeed(store, jobs, lambda seed: 0.8 + seed / 100)
    address = f"/v1/sweeps/{sweep['id']}"
    until(lambda: client.get(address).json()["status"] == "succeeded", 10, "the end of the sweep")
    table = client.get(f"{address}/table").json()["data"]
    assert [cell["n"] for cell in table] == [3, 3]
    assert table[0]["test_accuracy"]["mean"] == pytest.approx(0.81)
    assert table[0]["test_accuracy"]["std"] == pytest.approx(0.01)
    assert table[0]["test_accuracy"]["values"] == pytest.approx([0.8, 0.81, 0.82])
    text = client.get(f"{address}/table", headers={"Accept": "text/csv"}).text
    (first, _) = csv.DictReader(io.StringIO(text))
    assert float(first["test_accuracy_mean"]) == pytest.approx(0.81)
    binary = client.get(f"{address}/table", headers={"Accept": "application/vnd.apache.parquet"}).content
    assert pyarrow.parquet.read_table(io.BytesIO(binary)).column("n").to_pylist() == [3, 3]
    assert client.get(f"{address}/table", headers={"Accept": "image/png"}).json()["code"] == "not_acceptable"


def test_the_mean_curve_is_the_mean_of_the_curves(
    client: httpx2.Client, store: Redis, jobs: Jobs, post: Callable[..., Any]
) -> None:
    sweep = post(variants=[], grid={})
    queued(client, sweep["id"], 3)
    succeed(store, jobs, lambda seed: 0.9)
    (curve,) = client.get(f"/v1/sweeps/{sweep['id']}/history").json()["data"]
    assert [(point["step"], point["n"], point["loss"]["mean"]) for point in curve["points"]] == [
        (10, 3, 11),
        (20, 3, 21),
    ]
    assert curve["points"][0]["loss"]["std"] == pytest.approx(1.0)


def test_faults_name_the_cell_and_nothing_is_queued(client: httpx2.Client) -> None:
    sweep = {**SWEEP, "grid": {"optimizer.learning_rate": [0.1, -1]}}
    answer = client.post("/v1/sweeps", json=sweep)
    assert answer.status_code == 422
    assert [fault["pointer"] for fault in answer.json()["errors"]] == ["/grid/optimizer.learning_rate"] * 2
    assert "cell 'sgd, learning_rate=-1'" in answer.json()["errors"][0]["message"]
    assert client.get("/v1/sweeps").json()["data"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"base": {"dataset": {"name": "nowhere"}}, "variants": [], "grid": {}}, "/base/dataset/name"),
        ({"variants": [{"name": "a", "set": {"gradient.method": "magic"}}]}, "/variants/0/set/gradient.method"),
        ({"grid": {"optimizer.learning_rates": [1]}}, "/grid/optimizer.learning_rates"),
        ({"seeds": 1500}, ""),
    ],
)
def test_faults_stand_at_their_source(client: httpx2.Client, changes: dict[str, Any], pointer: str) -> None:
    answer = client.post("/v1/sweeps", json={**SWEEP, **changes})
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_dry_run_counts_and_queues_nothing(client: httpx2.Client) -> None:
    answer = client.post("/v1/sweeps", params={"dry_run": "true"}, json=SWEEP)
    assert answer.status_code == 200, answer.text
    size = answer.json()
    assert (size["cells"], size["jobs"], size["passes"]) == (4, 12, 12 * 20 * 30)
    assert size["estimated_seconds"] > 0
    assert client.get("/v1/sweeps").json()["data"] == client.get("/v1/jobs").json()["data"] == []


def test_a_sweep_is_paused_resumed_cancelled_and_deleted_as_a_whole(
    client: httpx2.Client, post: Callable[..., Any], jobs: Jobs
) -> None:
    sweep = post(max_parallel=2)
    address = f"/v1/sweeps/{sweep['id']}"
    until(lambda: client.get(address).json()["counts"]["queued"] == 2, 10, "two jobs")
    jobs.move(jobs.ids(Status.QUEUED)[0], Status.RUNNING)
    assert client.post(f"{address}/pause").json()["counts"]["paused"] == 1
    assert client.post(f"{address}/resume").json()["counts"]["running"] == 1
    assert client.delete(address).json()["code"] == "illegal_transition"
    assert client.post(f"{address}/cancel").json()["counts"]["cancelled"] == 2
    assert client.post(f"{address}/resume").json()["code"] == "illegal_transition"
    assert client.delete(address).status_code == 204
    assert client.get(address).json()["code"] == "sweep_not_found"
    assert client.get("/v1/jobs").json()["data"] == []


def test_sweeps_are_listed_newest_first_in_pages(client: httpx2.Client, post: Callable[..., Any]) -> None:
    ids = [post(name=f"sweep {i}", max_parallel=1)["id"] for i in range(3)]
    page = client.get("/v1/sweeps", params={"limit": 2}).json()
    assert ([sweep["id"] for sweep in page["data"]], page["has_more"]) == ([ids[2], ids[1]], True)
    rest = client.get("/v1/sweeps", params={"limit": 2, "after": page["next"]}).json()
    assert ([sweep["id"] for sweep in rest["data"]], rest["next"]) == ([ids[0]], None)


def test_a_sweep_belongs_to_its_key(caller: Caller) -> None:
    ann, bob = caller("ann"), caller("bob")
    sweep = ann.post("/v1/sweeps", json={**SWEEP, "max_parallel": 1}).json()
    address = f"/v1/sweeps/{sweep['id']}"
    assert bob.get(address).json()["code"] == "sweep_not_found"
    assert bob.post(f"{address}/cancel").json()["code"] == "sweep_not_found"
    assert bob.get("/v1/sweeps").json()["data"] == []
    assert caller("eve").post("/v1/sweeps", json=SWEEP).json()["code"] == "forbidden"
    assert [listed["id"] for listed in caller("root").get("/v1/sweeps").json()["data"]] == [sweep["id"]]
    ann.post(f"{address}/cancel")
