"""Edit, clone, retry and extend jobs; actions for many; usage; the log of a job."""

from collections.abc import Callable
from typing import Any

import httpx2
import pytest

from dualtrain.core.job import ENDED, Reason, Status
from dualtrain.core.store import Jobs, Lease
from dualtrain.core.store.job_logs import JobLogs

Submit = Callable[..., str]
Bring = Callable[[str, Status], None]


def test_name_and_metadata_can_be_changed_at_any_time(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    job_id = submit(name="old", metadata={"a": "1"})
    answer = client.patch(f"/v1/jobs/{job_id}", json={"name": "new", "metadata": {"b": "2"}})
    assert answer.status_code == 200
    assert (answer.json()["name"], answer.json()["spec"]["name"], answer.json()["spec"]["metadata"]) == (
        "new", "new", {"b": "2"})  # fmt: skip
    assert client.get("/v1/jobs?name=new&metadata[b]=2").json()["total"] == 1
    jobs.move(job_id, Status.CANCELLED)
    assert client.patch(f"/v1/jobs/{job_id}", json={"name": "newer"}).json()["spec"]["metadata"] == {"b": "2"}


def test_the_priority_counts_while_a_job_waits(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    first, second = submit(), submit()
    assert client.patch(f"/v1/jobs/{second}", json={"priority": 9}).json()["queue_position"] == 1
    assert jobs.ids(Status.QUEUED) == [second, first]
    jobs.move(first, Status.RUNNING)
    answer = client.patch(f"/v1/jobs/{first}", json={"priority": 9})
    assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
    assert "only while a job waits" in answer.json()["detail"]
    assert client.get(f"/v1/jobs/{first}").json()["spec"]["priority"] == 5


@pytest.mark.parametrize("body", [{"seed": 1}, {"priority": 10}, {"name": None}, {"metadata": {"a": 1}}, []], ids=str)
def test_bad_edits_are_refused(client: httpx2.Client, submit: Submit, body: Any) -> None:
    assert client.patch(f"/v1/jobs/{submit()}", json=body).status_code == 422


def test_a_clone_is_a_new_job_of_the_same_spec_with_changes(client: httpx2.Client, submit: Submit) -> None:
    job_id = submit(name="one", seed=7)
    body = {"set": {"optimizer.learning_rate": 0.3, "gradient.method": "per-neuron"}}
    answer = client.post(f"/v1/jobs/{job_id}/clone", json=body)
    assert answer.status_code == 202
    clone = answer.json()
    assert answer.headers["location"] == f"/v1/jobs/{clone['id']}"
    assert clone["id"] != job_id
    spec = clone["spec"]
    assert (spec["seed"], spec["optimizer"]["learning_rate"], spec["gradient"]["method"]) == (7, 0.3, "per-neuron")
    again = [client.post(f"/v1/jobs/{job_id}/clone", headers={"Idempotency-Key": "k"}).json()["id"] for _ in range(2)]
    assert again[0] == again[1]


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [({"nothing.here": 1}, "/nothing"), ({"epochs": 0}, "/epochs"), ({"network.layers.7.units": 3}, "/set")],
)
def test_a_clone_with_a_fault_says_where(client: httpx2.Client, submit: Submit, changes: Any, pointer: str) -> None:
    answer = client.post(f"/v1/jobs/{submit()}/clone", json={"set": changes})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == pointer


@pytest.mark.parametrize("source", Status)
def test_failed_and_cancelled_jobs_can_be_retried(
    client: httpx2.Client, submit: Submit, bring: Bring, jobs: Jobs, source: Status
) -> None:
    job_id = submit(priority=9)
    bring(job_id, source)
    answer = client.post(f"/v1/jobs/{job_id}/retry")
    if source not in (Status.FAILED, Status.CANCELLED):
        assert (answer.status_code, answer.json()["job_status"]) == (409, source)
        return
    assert answer.status_code == 202
    job = answer.json()
    assert (job["status"], job["finished_at"], job["queue_position"]) == ("queued", None, 1)
    assert [change["status"] for change in job["transitions"]][-2:] == [source, "queued"]
    assert job["status_reason"]["code"] == "retried"
    assert jobs.ids(source) == []
    jobs.move(job_id, Status.RUNNING)


def test_a_full_queue_takes_no_retried_job(client: httpx2.Client, submit: Submit, jobs: Jobs) -> None:
    job_id = submit()
    jobs.move(job_id, Status.CANCELLED)
    limit = 2000
    for index in range(limit):
        jobs._store.zadd("dualtrain:queue", {f"job-{index}": index})
    answer = client.post(f"/v1/jobs/{job_id}/retry")
    assert (answer.status_code, answer.json()["code"]) == (429, "queue_full")
    assert jobs.status(job_id) is Status.CANCELLED


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"max_steps": 5}, 422), ({"seed": 1}, 422), ({"max_steps": 20}, 202)], ids=str
)
def test_only_a_longer_end_extends(
    client: httpx2.Client, jobs: Jobs, running: Lease, body: dict[str, Any], status: int
) -> None:
    job_id = running.job_id
    address = f"/v1/jobs/{job_id}/extend"
    assert client.post(address, json={"max_steps": 20}).status_code == 409
    jobs.commit(running, progress={"step": 10, "total_steps": 10})
    jobs.move(job_id, Status.SUCCEEDED)
    answer = client.post(address, json=body)
    assert answer.status_code == status
    if status == 202:
        assert (answer.json()["spec"]["max_steps"], answer.json()["progress"]["total_steps"]) == (20, 20)


@pytest.fixture
def many(submit: Submit, bring: Bring) -> dict[str, str]:
    """The ids of jobs named "run", one of each status, by status, beside a queued one of another name."""
    submit(name="other")
    ids = {status.value: submit(name="run") for status in Status}
    for status, job_id in ids.items():
        bring(job_id, Status(status))
    return ids


@pytest.mark.parametrize(
    ("action", "allowed", "target"),
    [
        ("cancel", {"queued", "running", "paused"}, "cancelled"),
        ("pause", {"running"}, "paused"),
        ("resume", {"paused"}, "running"),
        ("delete", {status.value for status in ENDED}, None),
    ],
)
def test_an_action_changes_the_jobs_that_fit_and_allow_it(
    client: httpx2.Client, many: dict[str, str], jobs: Jobs, action: str, allowed: set[str], target: str | None
) -> None:
    body = {"action": action, "filter": {"name": "run"}}
    dry = client.post("/v1/jobs/actions", json=body | {"dry_run": True}).json()
    assert all(jobs.status(job_id) == status for status, job_id in many.items())
    done = client.post("/v1/jobs/actions", json=body).json()
    assert {**dry, "dry_run": False} == done
    assert (done["matched"], done["changed"]) == (len(many), len(allowed))
    assert set(done["skipped"]) == many.keys() - allowed
    for status, job_id in many.items():
        assert jobs.status(job_id) == (target if status in allowed else status)


def test_chosen_jobs_are_deleted_by_their_ids(client: httpx2.Client, many: dict[str, str]) -> None:
    ids = [many["succeeded"], many["failed"], many["running"]]
    result = client.post("/v1/jobs/actions", json={"action": "delete", "filter": {"ids": ids}}).json()
    assert (result["matched"], result["changed"], result["skipped"]) == (3, 2, {"running": 1})


@pytest.mark.parametrize("body", [{"action": "delete"}, {"action": "explode", "filter": {}}, {"filter": {}},
                                  {"action": "delete", "filter": {"colour": "red"}}], ids=str)  # fmt: skip
def test_bad_actions_are_refused(client: httpx2.Client, body: Any) -> None:
    assert client.post("/v1/jobs/actions", json=body).status_code == 422


def test_usage_counts_deleted_jobs_too(client: httpx2.Client, submit: Submit, jobs: Jobs, running: Lease) -> None:
    submit()
    jobs.commit(running, progress={"step": 1, "passes": 100, "worker_seconds": 0.25})
    before = client.get("/v1/usage?by=key").json()["data"]
    assert [(one["key"], one["jobs"], one["passes"], one["worker_seconds"]) for one in before] == [(None, 2, 100, 0.25)]
    assert before[0]["by_status"] == {"queued": 1, "running": 1}
    jobs.move(running.job_id, Status.CANCELLED)
    jobs.delete(running.job_id)
    after = client.get("/v1/usage").json()["data"]
    assert [(one["jobs"], one["passes"], one["worker_seconds"]) for one in after] == [(2, 100, 0.25)]
    assert after[0]["by_status"] == {"queued": 1}


def test_the_log_of_a_job_has_its_statuses_and_records_in_order(
    client: httpx2.Client, submit: Submit, jobs: Jobs
) -> None:
    job_id = submit()
    logs = JobLogs(jobs._store)
    logs.collect(
        {"job": job_id, "event": "job taken", "level": "info", "timestamp": "2999-01-01T00:00:00Z", "token": 1}
    )
    logs.collect({"job": "job-gone", "event": "job taken", "level": "info", "timestamp": "2999-01-01T00:00:00Z"})
    logs.collect({"event": "of no job", "level": "info", "timestamp": "2999-01-01T00:00:00Z"})
    logs.flush()
    jobs.move(job_id, Status.CANCELLED, Reason(code="why", message="because"))
    records = client.get(f"/v1/jobs/{job_id}/log").json()["data"]
    assert [record["event"] for record in records] == ["status queued", "status cancelled", "job taken"]
    assert (records[1]["reason"], records[2]["token"]) == ("why", 1)
    text = client.get(f"/v1/jobs/{job_id}/log", headers={"Accept": "text/plain"}).text
    assert text.splitlines()[-1] == "2999-01-01T00:00:00Z info job taken token=1"
    jobs.delete(job_id)
    assert jobs._store.keys("dualtrain:job:job-*") == []
