"""What is checked before a job is queued."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx
import pytest

from dualtrain.api.security import Key, Scope
from dualtrain.api.security.keys import digest, put
from dualtrain.core.job import Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import Jobs

Caller = Callable[..., httpx.Client]
Checkpointed = Callable[[str], str]
Serve = Callable[..., AbstractContextManager[str]]


def test_quotas_count_for_each_key(caller: Caller) -> None:
    assert caller("bob").post("/v1/jobs", json={}).status_code == 202
    refused = caller("bob").post("/v1/jobs", json={})
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
    assert caller("ann").post("/v1/jobs", json={}).status_code == 202


def test_a_key_with_as_much_as_it_may_have_gets_no_more(
    settings: Settings, serve: Serve, tmp_path: Path, jobs: Jobs, checkpointed: Checkpointed
) -> None:
    file = tmp_path / "keys.json"
    put(file, Key(name="runs", sha256=digest("runs"), scopes=frozenset(Scope), max_running_jobs=1))
    put(file, Key(name="keeps", sha256=digest("keeps"), scopes=frozenset(Scope), max_stored_bytes=1))
    with serve(settings.model_copy(update={"api_keys_file": file})) as url, httpx.Client(base_url=url) as client:

        def post(name: str) -> httpx.Response:
            return client.post("/v1/jobs", json={}, headers={"Authorization": f"Bearer {name}"})

        runs, keeps = (post(name).json()["id"] for name in ("runs", "keeps"))
        assert [post(name).status_code for name in ("runs", "keeps")] == [202, 202]
        jobs.move(runs, Status.RUNNING)
        checkpointed(keeps)
        for name, words in (("runs", "has 1 of 1 running jobs"), ("keeps", "of 1 bytes; delete some jobs")):
            refused = post(name).json()
            assert refused["code"] == "quota_exceeded"
            assert words in refused["detail"]


@pytest.mark.parametrize(("units", "status"), [(20, 202), (21, 422)])
def test_weights_fit_a_network_of_the_same_widths_only(
    client: httpx.Client, submit: Callable[..., str], checkpointed: Checkpointed, units: int, status: int
) -> None:
    source = checkpointed(submit())
    layers = [{"units": units, "activation": "tanh"}, {"units": 10, "activation": "softmax"}]
    answer = client.post("/v1/jobs", json={"network": {"layers": layers}, "initial_weights": source})
    assert answer.status_code == status
    if status == 422:
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/initial_weights", "weights_do_not_fit")
        assert "144, 20, 10" in fault["message"] and "144, 21, 10" in fault["message"]
