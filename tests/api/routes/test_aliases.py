"""Aliases: whose they are, and what a name means."""

from collections.abc import Callable

import httpx2
import pytest
from redis import Redis

from dualtrain.core.store import Documents

Caller = Callable[..., httpx2.Client]


@pytest.fixture
def models(caller: Caller, checkpointed: Callable[[str], str]) -> dict[str, str]:
    """The ids of two jobs with checkpoints, by the key that they belong to."""
    return {name: checkpointed(caller(name).post("/v1/jobs", json={}).json()["id"]) for name in ("ann", "bob")}


def test_no_alias_takes_the_name_of_a_job(caller: Caller, store: Redis, models: dict[str, str]) -> None:
    ann, bob = caller("ann"), caller("bob")
    for job_id in (models["ann"], "job-000000000000"):  # whether there is such a job is not told
        refused = bob.put(f"/v1/aliases/{job_id}", json={"job_id": models["bob"]})
        assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "form_of_a_job_id")
    Documents(store).put_alias(models["ann"], {"job_id": models["bob"], "step": None, "owner": "bob"})
    pixels, wanted = {"pixels": [[0] * 784]}, {"job_id": models["ann"], "step": 7}
    assert ann.post("/v1/predictions", json=pixels | {"model": models["ann"]}).json()["model"] == wanted
    assert ann.get(f"/v2/models/{models['ann']}").json()["versions"] == ["7"]
    assert ann.post("/v1/jobs", json={"initial_weights": models["ann"]}).status_code == 202


def test_an_alias_of_another_key_does_not_exist_but_its_name_is_taken(caller: Caller, models: dict[str, str]) -> None:
    ann, bob, body = caller("ann"), caller("bob"), {"pixels": [[0] * 784], "model": "digits"}
    assert ann.put("/v1/aliases/digits", json={"job_id": models["ann"]}).status_code == 200
    assert ann.post("/v1/predictions", json=body).status_code == 200
    for answer in (
        bob.get("/v1/aliases/digits"),
        bob.delete("/v1/aliases/digits"),
        bob.put("/v1/aliases/digits", json={"job_id": models["bob"]}),
        bob.post("/v1/predictions", json=body),
        bob.get("/v2/models/digits"),
    ):
        assert answer.status_code == 404
        assert models["ann"] not in answer.text
    assert "yours" in bob.put("/v1/aliases/digits", json={"job_id": models["bob"]}).json()["detail"]
    refused = bob.post("/v1/jobs", json={"initial_weights": "digits"})
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "unknown_weights")
    assert caller("root").put("/v1/aliases/digits", json={"job_id": models["bob"]}).status_code == 200


def test_a_key_sees_its_own_aliases_only(caller: Caller, models: dict[str, str]) -> None:
    for name, job_id in models.items():
        assert caller(name).put(f"/v1/aliases/of-{name}", json={"job_id": job_id}).status_code == 200
    seen = {name: [one["name"] for one in caller(name).get("/v1/aliases").json()["data"]] for name in (*models, "root")}
    assert seen == {"ann": ["of-ann"], "bob": ["of-bob"], "root": ["of-ann", "of-bob"]}
