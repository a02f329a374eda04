"""The Open Inference Protocol, as its own client speaks it."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import httpx2
import numpy as np
import pytest
from redis import Redis
from tritonclient import http as triton
from tritonclient.utils import InferenceServerException

from dualtrain.core.data import Dataset, scale
from dualtrain.core.loop import network_for
from dualtrain.core.rounds import State
from dualtrain.core.settings import Settings
from dualtrain.core.spec import JobSpec
from dualtrain.core.store import Counters
from tests.waiting import until

Trained = tuple[JobSpec, State, float]


@pytest.fixture
def remote(served: str, settings: Any) -> Iterator[triton.InferenceServerClient]:
    client = triton.InferenceServerClient(served.removeprefix("http://"))
    yield client
    client.close()


@pytest.fixture
def inputs(digits: Dataset) -> np.ndarray:
    return scale(digits.test_images[:20])


@pytest.fixture
def expected(trained: Trained, inputs: np.ndarray) -> np.ndarray:
    return np.asarray(network_for(trained[0]).probabilities(trained[1].parameters, inputs))


def asked(values: np.ndarray, datatype: str, binary: bool) -> list[triton.InferInput]:
    tensor = triton.InferInput("input", list(values.shape), datatype)
    tensor.set_data_from_numpy(values, binary_data=binary)
    return [tensor]


def test_server_metadata(remote: triton.InferenceServerClient) -> None:
    assert remote.is_server_live()
    assert remote.is_server_ready()
    assert remote.get_server_metadata()["extensions"] == ["binary_tensor_data"]


def test_model_metadata(
    remote: triton.InferenceServerClient, client: httpx2.Client, model_id: str, trained: Trained
) -> None:
    client.put("/v1/aliases/digits", json={"job_id": model_id})
    step = str(trained[1].step)
    for name in (model_id, "digits"):
        assert remote.is_model_ready(name)
        assert remote.is_model_ready(name, step)
        found = remote.get_model_metadata(name, step)
        assert found["versions"] == [step]
        assert found["inputs"] == [{"name": "input", "datatype": "FP32", "shape": [-1, 784]}]
        assert found["outputs"] == [{"name": "probabilities", "datatype": "FP32", "shape": [-1, 10]}]
    assert not remote.is_model_ready("nothing")
    assert not remote.is_model_ready(model_id, "1")


@pytest.mark.parametrize("binary", [True, False])
@pytest.mark.parametrize("datatype", ["FP32", "FP64", "UINT8"])
def test_infer(
    remote: triton.InferenceServerClient,
    model_id: str,
    inputs: np.ndarray,
    expected: np.ndarray,
    binary: bool,
    datatype: str,
) -> None:
    values = {"FP32": inputs, "FP64": inputs.astype(float), "UINT8": np.rint(inputs * 255).astype(np.uint8)}[datatype]
    outputs = [triton.InferRequestedOutput("probabilities", binary_data=binary)]
    for wanted in (outputs, None):
        answer = remote.infer(model_id, asked(values, datatype, binary), outputs=wanted, request_id="42")
        np.testing.assert_allclose(answer.as_numpy("probabilities"), expected, atol=1e-6)
        assert answer.get_response()["id"] == "42"
        assert answer.get_response()["model_name"] == model_id


def test_a_version_is_a_step(
    remote: triton.InferenceServerClient, put_model: Callable[..., str], trained: Trained, inputs: np.ndarray
) -> None:
    spec, state, _ = trained
    job_id = put_model(spec, State(1, np.zeros_like(state.parameters)), state, accuracy=0.5)
    answer = remote.infer(job_id, asked(inputs, "FP32", True), model_version="1")
    np.testing.assert_allclose(answer.as_numpy("probabilities"), 0.1, atol=1e-7)
    assert answer.get_response()["model_version"] == "1"


def test_data_may_be_nested(client: httpx2.Client, model_id: str, inputs: np.ndarray, expected: np.ndarray) -> None:
    tensor = {"name": "input", "shape": list(inputs.shape), "datatype": "FP32", "data": inputs.tolist()}
    answer = client.post(f"/v2/models/{model_id}/infer", json={"inputs": [tensor]}).json()
    assert "id" not in answer
    output = answer["outputs"][0]
    np.testing.assert_allclose(np.reshape(output["data"], output["shape"]), expected, atol=1e-6)


GOOD: dict[str, Any] = {"name": "input", "shape": [1, 784], "datatype": "FP32", "data": [0] * 784}
WRONG: dict[str, Any] = {
    "no inputs": {"inputs": []},
    "another name": {"inputs": [GOOD | {"name": "x"}]},
    "shape": {"inputs": [GOOD | {"shape": [784]}]},
    "negative shape": {"inputs": [GOOD | {"shape": [-1, 784]}]},
    "huge shape": {"inputs": [GOOD | {"shape": [10**18, 784]}]},
    "datatype": {"inputs": [GOOD | {"datatype": "BYTES"}]},
    "too few": {"inputs": [GOOD | {"data": [0] * 783}]},
    "texts": {"inputs": [GOOD | {"data": ["0"] * 784}]},
    "ragged": {"inputs": [GOOD | {"data": [[0] * 700, [0] * 84]}]},
    "not finite": {"inputs": [GOOD | {"data": [1e300] * 784}]},
    "bools": {"inputs": [GOOD | {"data": [True] + [0] * 783}]},
    "nested bools": {"inputs": [GOOD | {"data": [[False] + [0.5] * 783]}]},
    "bools as bytes": {"inputs": [GOOD | {"datatype": "UINT8", "data": [True] * 784}]},
    "many objects": {"inputs": [GOOD | {"data": [{}] * 784}]},
    "a size that is no number": {"inputs": [{**GOOD, "data": None, "parameters": {"binary_data_size": True}}]},
    "no data": {"inputs": [{key: value for key, value in GOOD.items() if key != "data"}]},
    "bytes of another length": {"inputs": [{**GOOD, "data": None, "parameters": {"binary_data_size": 5}}]},
    "UINT8 too large": {"inputs": [GOOD | {"datatype": "UINT8", "data": [256] * 784}]},
    "unknown output": {"inputs": [GOOD], "outputs": [{"name": "x"}]},
    "a list": [],
    "too large for the model": {"inputs": [GOOD | {"datatype": "FP64", "data": [1e300] * 784}]},
    "too many images": {"inputs": [GOOD | {"datatype": "UINT8", "shape": [20_001, 784], "data": [0]}]},
}


@pytest.mark.parametrize("body", WRONG.values(), ids=WRONG)
def test_errors_follow_the_protocol(client: httpx2.Client, model_id: str, body: Any) -> None:
    answer = client.post(f"/v2/models/{model_id}/infer", json=body)
    assert answer.status_code == 400, answer.text
    assert list(answer.json()) == ["error"]
    assert isinstance(answer.json()["error"], str)
    assert answer.headers["content-type"] == "application/json"


def test_its_predictions_are_counted_like_the_others(
    serve: Callable[..., AbstractContextManager[str]], settings: Settings, model_id: str, store: Redis
) -> None:
    def count() -> float:
        counters = Counters(store).read()
        return sum(n for (name, _), n in counters.items() if name == "dualtrain_prediction_seconds_bucket")

    time.sleep(2.5)  # the shared service counts what other tests predicted
    before = count()
    with serve(settings) as url:
        assert httpx2.post(f"{url}/v2/models/{model_id}/infer", json={"inputs": [GOOD]}, timeout=60).is_success
        until(lambda: count() == before + 1, 20, "the prediction in the counters")


def test_other_errors(
    remote: triton.InferenceServerClient, client: httpx2.Client, model_id: str, inputs: np.ndarray
) -> None:
    with pytest.raises(InferenceServerException, match="there is no job"):
        remote.infer("nothing", asked(inputs, "FP32", True))
    with pytest.raises(InferenceServerException, match="without compression"):
        remote.infer(model_id, asked(inputs, "FP32", True), request_compression_algorithm="gzip")
    for headers in ({}, {"Inference-Header-Content-Length": "9"}, {"Inference-Header-Content-Length": "x"}):
        answer = client.post(f"/v2/models/{model_id}/infer", content=b"{", headers=headers)
        assert 400 <= answer.status_code < 500
        assert answer.json()["error"]
