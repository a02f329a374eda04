"""What is checked before a job is queued."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import httpx2
import pytest

from dualtrain.api.security import Key, Scope
from dualtrain.api.security.keys import digest, put
from dualtrain.core.job import Status
from dualtrain.core.settings import Settings
from dualtrain.core.store import Jobs

Caller = Callable[..., httpx2.Client]
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
    put(file, Key(name="keeps", sha256=digest("keeps"), scopes=frozenset(Scope), max_stored_bytes=700_000))
    with serve(settings.model_copy(update={"api_keys_file": file})) as url, httpx2.Client(base_url=url) as client:

        def post(name: str) -> httpx2.Response:
            return client.post("/v1/jobs", json={}, headers={"Authorization": f"Bearer {name}"})

        runs, keeps = (post(name).json()["id"] for name in ("runs", "keeps"))
        assert [post(name).status_code for name in ("runs", "keeps")] == [202, 202]
        jobs.move(runs, Status.RUNNING)
        checkpointed(keeps)
        for name, words in (
            ("runs", "has 1 of 1 running jobs"),
            ("keeps", "set a smaller keep_checkpoints"),
        ):
            refused = post(name).json()
            assert refused["code"] == "quota_exceeded"
            assert words in refused["detail"]


@pytest.mark.parametrize(("units", "bias", "status"), [(20, True, 202), (21, True, 422), (20, False, 422)])
def test_weights_fit_a_network_with_the_same_arrays_only(
    client: httpx2.Client, submit: Callable[..., str], checkpointed: Checkpointed, units: int, bias: bool, status: int
) -> None:
    source = checkpointed(submit())
    layers = [{"units": units, "activation": "tanh", "bias": bias}, {"units": 10, "activation": "softmax"}]
    answer = client.post("/v1/jobs", json={"network": {"layers": layers}, "initial_weights": source})
    assert answer.status_code == status
    if status == 422:
        (fault,) = answer.json()["errors"]
        assert (fault["pointer"], fault["code"]) == ("/initial_weights", "weights_do_not_fit")
        assert "(144, 20)" in fault["message"] and f"(144, {units})" in fault["message"]


WIDE = {"units": 1024, "activation": "relu"}
MANY_BLOCKS = {
    "dataset": {"image_size": 64},
    "network": {"layers": [{"units": 1950, "activation": "relu"}, WIDE, {"units": 10, "activation": "softmax"}]},
    "batch_size": 65_536,
    "max_steps": 1,
}


@pytest.mark.parametrize("address", ["/v1/jobs", "/v1/jobs?dry_run=true"])
def test_a_job_that_costs_too_much_is_refused_before_anything_is_spent(client: httpx2.Client, address: str) -> None:
    """The dry run of this spec took 4.6 GB of the API, and the job killed one aggregator after the other."""
    answer = client.post(address, json=MANY_BLOCKS)
    assert answer.status_code == 422
    codes = {fault["code"] for fault in answer.json()["errors"]}
    assert codes == {"too_expensive"}
    assert "at most 100,000" in answer.json()["errors"][0]["message"]


def test_what_a_waiting_job_may_keep_counts_as_stored(settings: Settings, serve: Serve, tmp_path: Path) -> None:
    """A key with 1 MB stored a gigabyte with one job: only what was stored at the time of the post counted."""
    file = tmp_path / "keys.json"
    put(file, Key(name="keeps", sha256=digest("keeps"), scopes=frozenset(Scope), max_stored_bytes=1_000_000))
    headers = {"Authorization": "Bearer keeps"}
    limited = settings.model_copy(update={"api_keys_file": file})
    with serve(limited) as url, httpx2.Client(base_url=url, headers=headers) as client:
        refused = client.post("/v1/jobs", json={"keep_checkpoints": 100, "optimizer": {"name": "adam"}})
        assert refused.json()["code"] == "quota_exceeded"
        answers = [client.post("/v1/jobs", json={}).status_code for _ in range(5)]
    assert answers == [202, 202, 202, 429, 429]


def test_an_alias_that_changes_hands_does_not_lead_to_the_new_owners_weights(
    caller: Caller, jobs: Jobs, checkpointed: Checkpointed
) -> None:
    """The name was looked up again when the job began, without a look at whose model it meant by then."""
    ann, bob = caller("ann"), caller("bob")
    mine, theirs = (checkpointed(client.post("/v1/jobs", json={}).json()["id"]) for client in (ann, bob))
    ann.put("/v1/aliases/production", json={"job_id": mine})
    waiting = ann.post("/v1/jobs", json={"initial_weights": "production"}).json()["id"]
    ann.delete("/v1/aliases/production")
    assert bob.put("/v1/aliases/production", json={"job_id": theirs}).is_success
    source = jobs.get(waiting).initial_checkpoint
    assert source is not None
    assert (source.job_id, source.step) == (mine, 7)
