"""Every exported file gives the same network."""

import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, get_args

import httpx2
import numpy as np
import onnxruntime
import pytest
from safetensors import safe_open

from dualtrain.api.predictions.onnx import ACTIVATIONS, NotExportable, to_onnx
from dualtrain.core.data import Dataset, scale
from dualtrain.core.loop import network_for
from dualtrain.core.nn import AvgPool2D, Conv2D, Custom, Dense, LayerNorm, MaxPool2D, Network, Residual
from dualtrain.core.nn.activations import ActivationName
from dualtrain.core.rounds import State
from dualtrain.core.runtime.fingerprint import digest
from dualtrain.core.spec import JobSpec

Trained = tuple[JobSpec, State, float]


def run(file: bytes, inputs: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return np.asarray(session.run(["probabilities"], {"input": inputs.astype(np.float32)})[0])


def test_safetensors_and_npz(client: httpx2.Client, model_id: str, trained: Trained, tmp_path: Path) -> None:
    spec, state, _ = trained
    answer = client.get(f"/v1/jobs/{model_id}/model")
    assert answer.headers["content-disposition"] == f'attachment; filename="{model_id}-{state.step}.safetensors"'
    (tmp_path / "file").write_bytes(answer.content)
    with safe_open(tmp_path / "file", "np") as file:
        facts = file.metadata()
        names = [f"layers.{one.layer}.{one.name}" for one in network_for(spec).slices]
        flat = np.concatenate([file.get_tensor(name).ravel() for name in names])
        assert set(names) == set(file.keys())
    assert JobSpec.model_validate_json(facts["spec"]) == spec
    assert facts["sha256"] == digest(flat) == digest(state.parameters)
    assert (facts["job_id"], facts["step"]) == (model_id, str(state.step))
    content = client.get(f"/v1/jobs/{model_id}/model?format=npz").content
    with np.load(io.BytesIO(content), allow_pickle=False) as archive:
        assert json.loads(str(archive["facts"])) == facts
        assert np.array_equal(np.concatenate([archive[name].ravel() for name in names]), flat)


def test_onnx_gives_the_same_probabilities(
    client: httpx2.Client, model_id: str, trained: Trained, digits: Dataset
) -> None:
    inputs = scale(digits.test_images[:1000])
    expected = network_for(trained[0]).probabilities(trained[1].parameters, inputs)
    file = client.get(f"/v1/jobs/{model_id}/model?format=onnx").content
    np.testing.assert_allclose(run(file, inputs), expected, atol=1e-5, rtol=0)


def test_every_activation_has_its_operators() -> None:
    assert set(ACTIVATIONS) == set(get_args(ActivationName))


@pytest.mark.parametrize("last", ["softmax", "identity", "tanh"])
@pytest.mark.parametrize("name", get_args(ActivationName))
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_any_network_as_onnx(name: ActivationName, last: ActivationName, dtype: Any) -> None:
    network = Network(9, (Dense(7, name), Dense(5, name, bias=False), Dense(3, last)))
    generator = np.random.default_rng(0)
    parameters, inputs = (generator.normal(0, 2, size).astype(dtype) for size in (network.size, (40, 9)))
    file = to_onnx(network, parameters, {"job_id": "a"})
    np.testing.assert_allclose(run(file, inputs), network.probabilities(parameters, inputs), atol=1e-5, rtol=0)


IMAGE_NETWORKS: list[tuple[Any, ...]] = [
    (Conv2D(filters=4, stride=2, activation="gelu"), MaxPool2D(), Dense(3, "softmax")),
    (Conv2D(filters=4, kernel_size=4, padding="same", stride=3, bias=False), AvgPool2D(size=2, stride=1), Dense(3)),
    (Conv2D(filters=4, kernel_size=2, activation="softmax"), LayerNorm(), Dense(6, groups=3), Dense(3, groups=3)),
    (LayerNorm(affine=True), Residual(layers=(Conv2D(filters=2, padding="same"), LayerNorm())), Dense(3, "softmax")),
    (Dense(3), Residual(layers=(Dense(4, "relu"), Dense(3, "tanh")))),
    (Conv2D(filters=3, kernel_size=7), MaxPool2D(size=1)),
]


@pytest.mark.parametrize("layers", IMAGE_NETWORKS, ids=range(len(IMAGE_NETWORKS)))
def test_networks_on_images_as_onnx(layers: tuple[Any, ...]) -> None:
    network = Network((8, 7, 2), layers)
    generator = np.random.default_rng(0)
    parameters, inputs = (generator.normal(0, 1, size).astype(np.float32) for size in (network.size, (40, 112)))
    file = to_onnx(network, parameters, {"job_id": "a"})
    np.testing.assert_allclose(run(file, inputs), network.probabilities(parameters, inputs), atol=1e-5, rtol=0)


def test_custom_layers_have_no_operator() -> None:
    network = Network(4, (Custom("quantize"), Dense(2)))
    with pytest.raises(NotExportable, match="layer 0 is custom"):
        to_onnx(network, network.init(0), {})


def test_a_custom_network_still_leaves_as_safetensors(client: httpx2.Client, put_model: Callable[..., str]) -> None:
    spec = JobSpec.model_validate(
        {"network": {"layers": [{"custom": "quantize"}, {"units": 10}]}, "gradient": {"method": "spsa"}}
    )
    job_id = put_model(spec, State(3, network_for(spec).init(0)))
    assert client.get(f"/v1/jobs/{job_id}/model").status_code == 200
    refused = client.get(f"/v1/jobs/{job_id}/model?format=onnx")
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "not_exportable")
    assert client.get(f"/v1/jobs/{job_id}/model?format=h5").status_code == 422
    assert client.get(f"/v1/jobs/{job_id}/model?step=9").json()["code"] == "not_there_yet"
