"""Pause, resume, cancel and delete while rounds are in flight, against a real aggregator and a real worker."""

import time
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest

from dualtrain.core.history import TIMES
from tests.waiting import until

Events = Callable[[httpx2.Response], Iterator[dict[str, Any]]]
ACTIONS = ("pause", "resume", "cancel")
SPEC = {"epochs": 500, "evaluate_every": 1_000_000, "gradient": {"method": "per-neuron"}}
ROUND_SECONDS = 20.0
"""More than a round of this job can take here, its checkpoint and a full machine included."""


def wait(client: httpx2.Client, job_id: str, *statuses: str, steps: int = 0, seconds: float = 60) -> dict[str, Any]:
    """Return the job once it has one of these statuses and so many steps."""

    def there() -> dict[str, Any] | None:
        job: dict[str, Any] = client.get(f"/v1/jobs/{job_id}").json()
        return job if job["status"] in statuses and job["progress"]["step"] >= steps else None

    return until(there, seconds, f"job {job_id}")


@pytest.fixture
def job_id(stack: httpx2.Client) -> Iterator[str]:
    """A job whose rounds are in flight."""
    job_id = stack.post("/v1/jobs", json=SPEC).json()["id"]
    wait(stack, job_id, "running", steps=3)
    yield job_id
    stack.post(f"/v1/jobs/{job_id}/cancel")


def settled(client: httpx2.Client, job_id: str) -> int:
    """Return the step of a job that no longer moves; it stands still within a round."""
    end, step = time.monotonic() + ROUND_SECONDS, -1
    while time.monotonic() < end:
        now = int(client.get(f"/v1/jobs/{job_id}").json()["progress"]["step"])
        if now == step:
            return step
        step = now
        time.sleep(0.4)
    raise AssertionError(f"job {job_id} goes on at step {step}")


def test_a_paused_job_stands_still_with_a_checkpoint_and_goes_on(stack: httpx2.Client, job_id: str) -> None:
    assert stack.post(f"/v1/jobs/{job_id}/pause").json()["status"] == "paused"
    step = settled(stack, job_id)
    kept = stack.get(f"/v1/jobs/{job_id}/checkpoints").json()["data"]
    assert kept[-1]["step"] == step
    assert stack.post(f"/v1/jobs/{job_id}/resume").json()["status_reason"]["code"] == "resuming"
    wait(stack, job_id, "running", steps=step + 2)


def test_a_cancelled_job_stands_still_for_good(stack: httpx2.Client, job_id: str) -> None:
    assert stack.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    settled(stack, job_id)
    assert [stack.post(f"/v1/jobs/{job_id}/{action}").status_code for action in ACTIONS] == [409, 409, 409]
    assert stack.delete(f"/v1/jobs/{job_id}").status_code == 204
    assert stack.get(f"/v1/jobs/{job_id}").status_code == 404


def test_a_running_job_is_neither_resumed_nor_deleted(stack: httpx2.Client, job_id: str) -> None:
    assert stack.post(f"/v1/jobs/{job_id}/resume").status_code == 409
    assert stack.delete(f"/v1/jobs/{job_id}").status_code == 409
    assert stack.get(f"/v1/jobs/{job_id}").json()["status"] == "running"


def without_times(point: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in point.items() if name not in TIMES}


def test_a_job_that_is_paused_again_and_again_ends_as_one_that_is_not(stack: httpx2.Client) -> None:
    spec = SPEC | {"max_steps": 150, "epochs": 1, "shards": 2}
    plain, stopped = (stack.post("/v1/jobs", json=spec).json()["id"] for _ in range(2))
    for step in (5, 50, 100):
        wait(stack, stopped, "running", "succeeded", steps=step)
        if stack.post(f"/v1/jobs/{stopped}/pause").status_code == 202:
            stack.post(f"/v1/jobs/{stopped}/resume")
    ends = [wait(stack, job_id, "succeeded") for job_id in (plain, stopped)]
    assert ends[0]["model"]["sha256"] == ends[1]["model"]["sha256"]
    assert ends[0]["progress"]["passes"] == ends[1]["progress"]["passes"]
    moves = [one["status"] for one in ends[1]["transitions"]]
    assert moves[:4] == ["queued", "running", "paused", "running"]
    histories = [stack.get(f"/v1/jobs/{job_id}/history").json()["data"] for job_id in (plain, stopped)]
    assert [point["step"] for point in histories[0]] == list(range(1, 151))
    assert [without_times(point) for point in histories[0]] == [without_times(point) for point in histories[1]]


def test_a_dry_run_counts_what_the_job_then_makes(stack: httpx2.Client) -> None:
    layers = [{"units": 30, "activation": "relu"}, {"units": 10, "activation": "softmax"}]
    spec = {"dataset": {"name": "mnist", "image_size": 28}, "network": {"layers": layers}, "max_steps": 4}
    told = stack.post("/v1/jobs?dry_run=true", json=spec).json()
    job = wait(stack, stack.post("/v1/jobs", json=spec).json()["id"], "succeeded", "failed")
    assert job["status"] == "succeeded"
    assert told["passes"] == job["progress"]["passes"]
    assert told["total_steps"] == job["progress"]["step"]


def test_no_second_has_more_than_five_steps_told(stack: httpx2.Client, events: Events) -> None:
    spec = SPEC | {"max_steps": 120, "epochs": 1, "evaluate_every": 1}
    job_id = stack.post("/v1/jobs", json=spec).json()["id"]
    wait(stack, job_id, "succeeded")
    with stack.stream("GET", f"/v1/jobs/{job_id}/events") as response:
        found = list(events(response))
    times = [int(one["id"].partition("-")[0]) for one in found if one["event"] == "step"]
    assert len(times) >= 2
    assert max(sum(begin <= at < begin + 1000 for at in times) for begin in times) <= 5
    assert [one["event"] for one in found].count("evaluation") == 120
    assert [one["data"]["step"] for one in found if one["event"] == "step"][-1] == 120


def test_a_job_that_diverges_shows_no_loss(stack: httpx2.Client) -> None:
    spec = {"gradient": {"method": "per-neuron"}, "optimizer": {"name": "sgd", "learning_rate": 1e30}}
    job = wait(stack, stack.post("/v1/jobs", json=spec).json()["id"], "failed")
    assert job["status_reason"]["code"] == "diverged"
    assert f"step {job['progress']['step']} " in job["status_reason"]["message"]
    assert job["metrics"]["loss"] is None
    first, *_, last = stack.get(f"/v1/jobs/{job['id']}/history").json()["data"]
    assert first["loss"] > 0
    assert (last["step"], last["loss"]) == (job["progress"]["step"], None)


def test_an_extended_job_ends_as_one_that_was_posted_so(stack: httpx2.Client) -> None:
    spec = SPEC | {"max_steps": 700, "epochs": 1, "optimizer": {"name": "momentum", "learning_rate": 0.05}}
    whole = wait(stack, stack.post("/v1/jobs", json=spec).json()["id"], "succeeded")
    part = wait(stack, stack.post("/v1/jobs", json=spec | {"max_steps": 300}).json()["id"], "succeeded")
    assert stack.post(f"/v1/jobs/{part['id']}/extend", json={"max_steps": 700}).status_code == 202
    extended = wait(stack, part["id"], "succeeded")
    assert extended["model"]["sha256"] == whole["model"]["sha256"] != part["model"]["sha256"]
    assert [change["status"] for change in extended["transitions"]] == ["queued", "running", "succeeded"] * 2
    histories = [stack.get(f"/v1/jobs/{job['id']}/history").json()["data"] for job in (whole, extended)]
    steps = [[point["step"] for point in history] for history in histories]
    assert steps[0] == steps[1]
    assert [point["loss"] for point in histories[0]] == [point["loss"] for point in histories[1]]
    until(lambda: "job taken" in stack.get(f"/v1/jobs/{part['id']}/log").text, 10, "the log")


def test_a_cancelled_job_that_is_retried_ends_as_one_that_was_not(stack: httpx2.Client) -> None:
    slow = {"dataset": {"image_size": 28}, "gradient": {"method": "per-parameter"}, "max_steps": 150}
    spec = {**slow, "batch_size": 256, "evaluate_every": 1_000_000}
    whole = wait(stack, stack.post("/v1/jobs", json=spec).json()["id"], "succeeded")
    job_id = stack.post("/v1/jobs", json=spec).json()["id"]
    wait(stack, job_id, "running", steps=1)
    assert stack.post(f"/v1/jobs/{job_id}/cancel").status_code == 202
    settled(stack, job_id)
    assert stack.post(f"/v1/jobs/{job_id}/retry").status_code == 202
    assert wait(stack, job_id, "succeeded")["model"]["sha256"] == whole["model"]["sha256"]
