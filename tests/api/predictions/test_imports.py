"""A model from a file can do all that a trained one can."""

import json
from collections.abc import Callable
from typing import Any

import httpx2
import numpy as np
import pytest
from safetensors.numpy import save

from dualtrain.core.data import Dataset
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.spec import JobSpec
from tests.hostile.files import safetensors_with

Trained = tuple[JobSpec, State, float]
SMALL: dict[str, Any] = {"dataset": {"image_size": 4}, "network": {"layers": [{"units": 10}]}}
WEIGHTS, BIAS = np.ones((16, 10), np.float32), np.zeros(10, np.float32)


def a_file(spec: Any = SMALL, **tensors: np.ndarray) -> bytes:
    named = {"layers.0.weights": WEIGHTS, "layers.0.bias": BIAS} | tensors
    return bytes(save(named, {"spec": spec if isinstance(spec, str) else json.dumps(spec)}))


def upload(client: httpx2.Client, content: bytes) -> httpx2.Response:
    return client.post("/v1/models", content=content, headers={"content-type": "application/octet-stream"})


def test_a_downloaded_model_can_be_uploaded(
    client: httpx2.Client, model_id: str, trained: Trained, digits: Dataset
) -> None:
    answer = upload(client, client.get(f"/v1/jobs/{model_id}/model").content)
    assert answer.status_code == 201, answer.text
    job = client.get(answer.headers["location"]).json()
    assert (job["status"], job["status_reason"]["code"]) == ("succeeded", "imported")
    assert [one["status"] for one in job["transitions"]] == ["queued", "running", "succeeded"]
    assert job["model"] == {"parameters": trained[1].parameters.size, "sha256": digest(trained[1].parameters)}
    body = {"pixels": digits.test_images[:20].tolist()}
    found = [client.post(f"/v1/jobs/{one}/predictions", json=body).json() for one in (model_id, job["id"])]
    assert found[0]["predictions"] == found[1]["predictions"]
    spec = trained[0].model_dump(mode="json") | {"initial_weights": job["id"]}
    assert client.post("/v1/jobs", json=spec).status_code == 202
    assert client.delete(f"/v1/jobs/{job['id']}").status_code == 204


def test_float64(client: httpx2.Client) -> None:
    answer = upload(client, a_file(SMALL | {"dtype": "float64"}))
    assert answer.json()["model"]["sha256"] == digest(np.concatenate([WEIGHTS.ravel(), BIAS]).astype(np.float64))


def changed(content: bytes, at: int, value: int) -> bytes:
    return content[:at] + bytes([value]) + content[at + 1 :]


WRONG: dict[str, tuple[Callable[[], bytes], str, str]] = {
    "nothing": (lambda: b"", "", "not_safetensors"),
    "text": (lambda: b"hello, this is no file", "", "not_safetensors"),
    "a huge header": (lambda: (2**63 - 1).to_bytes(8, "little") + b"{}", "", "not_safetensors"),
    "a deep header": (lambda: (60_000).to_bytes(8, "little") + b"[" * 60_000, "", "not_safetensors"),
    "metadata that are a list": (lambda: safetensors_with(b"[]" + b" " * 8), "/metadata/spec", "missing"),
    "metadata with numbers": (lambda: safetensors_with(b"[1]"), "", "not_safetensors"),
    "metadata that are a text": (lambda: safetensors_with(b'"spec"'), "", "not_safetensors"),
    "cut off": (lambda: a_file()[:-4], "", "not_safetensors"),
    "no spec": (lambda: bytes(save({"a": BIAS})), "/metadata/spec", "missing"),
    "no job spec": (lambda: a_file({"x": 1}), "/metadata/spec/x", "extra_forbidden"),
    "broken spec": (lambda: a_file("{"), "/metadata/spec", "json_invalid"),
    "another shape": (lambda: a_file(**{"layers.0.bias": WEIGHTS}), "/layers.0.bias", "wrong_shape"),
    "whole numbers": (lambda: a_file(**{"layers.0.bias": BIAS.astype(np.int32)}), "/layers.0.bias", "not_finite"),
    "not a number": (lambda: a_file(**{"layers.0.bias": BIAS + np.nan}), "/layers.0.bias", "not_finite"),
    "too large a number": (lambda: a_file(**{"layers.0.bias": np.full(10, 1e300)}), "", "not_finite"),
    "an unknown layer": (
        lambda: a_file(SMALL | {"network": {"layers": [{"custom": "nobody:Nothing"}, {"units": 10}]}}),
        "/network/layers/0/custom",
        "unknown_layer",
    ),
    "a spec that cannot be": (
        lambda: a_file(SMALL | {"dataset": {"name": "no-such", "image_size": 4}}), "/dataset/name", "unknown_dataset"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("content", "pointer", "code"), WRONG.values(), ids=WRONG)
def test_refused_files(client: httpx2.Client, content: Callable[[], bytes], pointer: str, code: str) -> None:
    answer = upload(client, content())
    assert answer.status_code == 422, answer.text
    assert (answer.json()["errors"][0]["pointer"], answer.json()["errors"][0]["code"]) == (pointer, code)
    assert client.get("/v1/jobs").json()["data"] == []


def test_other_media_types(client: httpx2.Client) -> None:
    assert client.post("/v1/models", json={}).json()["code"] == "unsupported_media_type"


def test_initial_weights_and_webhook_of_a_file_are_dropped(client: httpx2.Client) -> None:
    answer = upload(client, a_file(SMALL | {"webhook_url": "https://example.org/", "initial_weights": "job-0"}))
    assert answer.status_code == 201, answer.text
    spec = answer.json()["spec"]
    assert (spec["webhook_url"], spec["initial_weights"]) == (None, None)


def test_an_upload_counts_as_a_job_does(caller: Callable[..., httpx2.Client]) -> None:
    bob = caller("bob")
    assert bob.post("/v1/jobs", json={}).status_code == 202
    refused = upload(bob, a_file())
    assert (refused.status_code, refused.json()["code"]) == (429, "quota_exceeded")
