"""Every transition from every status over HTTP: the table decides, and each move is recorded with time and reason."""

from collections.abc import Callable

import httpx2
import pytest

from dualtrain.core.job import ENDED, SOURCES, Status
from dualtrain.core.store import Jobs

Bring = Callable[[str, Status], None]
TARGETS = {"pause": Status.PAUSED, "resume": Status.RUNNING, "cancel": Status.CANCELLED}


def legal(source: Status, action: str) -> bool:
    """Return whether the API allows it: the table does, and `resume` goes on with paused jobs only."""
    return source is Status.PAUSED if action == "resume" else source in SOURCES[TARGETS[action]]


@pytest.mark.parametrize("action", TARGETS)
@pytest.mark.parametrize("source", Status)
def test_each_action_from_each_status(
    client: httpx2.Client, submit: Callable[..., str], bring: Bring, jobs: Jobs, source: Status, action: str
) -> None:
    job_id = submit()
    bring(job_id, source)
    before = jobs.get(job_id)
    answer = client.post(f"/v1/jobs/{job_id}/{action}")
    after = jobs.get(job_id)
    if legal(source, action):
        assert answer.status_code == 202
        assert answer.json()["status"] == after.status == TARGETS[action]
        last = answer.json()["transitions"][-1]
        assert (last["status"], len(after.transitions)) == (after.status, len(before.transitions) + 1)
        assert last["reason"]["code"] == after.status_reason.code  # type: ignore[union-attr]
        assert last["at"] >= before.transitions[-1].at
    else:
        assert (answer.status_code, answer.json()["code"]) == (409, "illegal_transition")
        assert answer.json()["job_status"] == source
        if action == "resume":
            assert "only a paused job can" in answer.json()["detail"]
        assert after == before


@pytest.mark.parametrize("source", Status)
def test_only_ended_jobs_are_deleted(
    client: httpx2.Client, submit: Callable[..., str], bring: Bring, source: Status
) -> None:
    job_id = submit()
    bring(job_id, source)
    answer = client.delete(f"/v1/jobs/{job_id}")
    assert source in ENDED or "cancel it first" in answer.json()["detail"]
    assert answer.status_code == (204 if source in ENDED else 409)
    assert client.get(f"/v1/jobs/{job_id}").status_code == (404 if source in ENDED else 200)


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "pause"), ("POST", "resume"), ("POST", "cancel"), ("DELETE", "")]
)
def test_an_unknown_job_cannot_be_changed(client: httpx2.Client, method: str, path: str) -> None:
    answer = client.request(method, f"/v1/jobs/job-0/{path}".rstrip("/"))
    assert (answer.status_code, answer.json()["code"]) == (404, "job_not_found")
