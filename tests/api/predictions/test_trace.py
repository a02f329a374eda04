"""The traced tangent is the derivative: by finite differences, by the gradient, layer by layer."""

from pathlib import Path
from typing import Any

import httpx2
import numpy as np
import pytest

from dualtrain.api.predictions import tracing
from dualtrain.api.predictions.model import LoadedModel
from dualtrain.api.predictions.trace import address, locate, trace
from dualtrain.api.predictions.tracing import TraceRequest
from dualtrain.core.data import Dataset, scale
from dualtrain.core.gradients import PerNeuron, gradient
from dualtrain.core.loop import network_for
from dualtrain.core.nn import Conv2D, Dense, Network, Residual
from dualtrain.core.rounds import State
from dualtrain.core.spec import JobSpec
from dualtrain.core.validation import Invalid

Trained = tuple[JobSpec, State, float]
NETWORKS = [
    Network(6, (Dense(5, "tanh"), Dense(4, "relu"), Dense(3, "softmax"))),
    Network(6, (Dense(5, "gelu", bias=False), Dense(3, "softmax")), "mean-squared-error"),
    Network(6, (Dense(3),)),
    Network(
        (2, 3, 1), (Conv2D(filters=2, kernel_size=2), Dense(4), Residual(layers=(Dense(3, "tanh"), Dense(4))), Dense(3))
    ),
]


def layers_of(network: Network, parameters: np.ndarray, inputs: np.ndarray) -> list[np.ndarray]:
    """Return what comes out of each layer (n,) for inputs (1, D), without dual numbers; of the last one `outputs`."""
    values = network.trace(network.unpack(parameters), inputs)[1:]
    ends = [index for index, node in enumerate(network.nodes) if not node.opens or node.closes]
    return [*(np.ravel(values[index].inputs) for index in ends[:-1]), np.ravel(network.outputs(values[-1].inputs))]


@pytest.mark.parametrize("network", NETWORKS, ids=["deep", "squares", "linear", "images"])
def test_every_direction(network: Network) -> None:
    parameters = network.init(1, np.float64)
    inputs = np.random.default_rng(0).normal(size=(1, 6))
    exact = gradient(network, parameters, inputs, np.array([2]), PerNeuron())
    for parameter in range(network.size):
        direction = locate(network, parameter)
        assert address(network, direction.layer, direction.name, direction.row, direction.column) == direction
        found = trace(network, parameters, direction, inputs, 2)
        assert found.derivative == pytest.approx(exact[parameter], abs=1e-12)
        assert found.finite_difference == pytest.approx(exact[parameter], abs=1e-8)
        assert found.loss == pytest.approx(float(network.loss(parameters, inputs, np.array([2]))))
        step = np.zeros(network.size)
        step[parameter] = 1e-6
        above, below = (layers_of(network, parameters + sign * step, inputs) for sign in (1, -1))
        for layer, (values, tangents) in enumerate(found.layers):
            assert values == pytest.approx(layers_of(network, parameters, inputs)[layer])
            assert tangents == pytest.approx((above[layer] - below[layer]) / 2e-6, abs=1e-8)
            moved = np.flatnonzero(tangents)
            if layer < direction.layer:
                assert len(moved) == 0
            elif layer == direction.layer < len(network.layers) - 1 and isinstance(network.layers[layer], Dense):
                assert set(moved) <= {direction.column}


def test_over_http(client: httpx2.Client, model_id: str, trained: Trained, digits: Dataset) -> None:
    spec, state, _ = trained
    url, network = f"/v1/jobs/{model_id}/trace", network_for(spec)
    found = client.post(url, json={"layer": 1, "row": 7, "column": 3, "test_sample": 5}).json()
    assert (found["job_id"], found["step"], found["label"]) == (model_id, state.step, int(digits.test_labels[5]))
    assert found["direction"]["parameter"] == 784 * 100 + 100 + 7 * 10 + 3
    parameters, inputs = state.parameters.astype(np.float64), scale(digits.test_images[5:6]).astype(np.float64)
    exact = gradient(network, parameters, inputs, digits.test_labels[5:6].astype(int), PerNeuron())
    assert found["derivative"] == pytest.approx(exact[found["direction"]["parameter"]], rel=1e-9)
    assert found["finite_difference"] == pytest.approx(found["derivative"], abs=1e-8)
    assert sum(found["layers"][1]["values"]) == pytest.approx(1)
    assert sum(found["layers"][1]["tangents"]) == pytest.approx(0, abs=1e-12)
    same = client.post(url, json={"parameter": found["direction"]["parameter"], "test_sample": 5})
    assert same.json() == found
    pixels = digits.test_images[5].tolist()
    by_pixels = client.post(url, json={"layer": 1, "row": 7, "column": 3, "pixels": pixels, "label": found["label"]})
    assert by_pixels.json() == found
    assert client.post(url).json()["direction"]["parameter"] == 0
    assert client.post(url, json={"name": "bias", "column": 9}).json()["direction"]["parameter"] == 784 * 100 + 9


WRONG: list[tuple[dict[str, Any], str]] = [
    ({"parameter": 10**9}, "no_such_parameter"),
    ({"layer": 2}, "no_such_parameter"),
    ({"row": 784}, "no_such_parameter"),
    ({"name": "bias", "row": 1}, "no_such_parameter"),
    ({"test_sample": 10_000}, "no_such_sample"),
    ({"label": 10}, "unknown_class"),
    ({"image": "!"}, "not_base64"),
    ({"image": "aGVs\r\nbG8=\n"}, "unknown_image_format"),
    ({"pixels": [0]}, "too_short"),
    ({"x": 1}, "extra_forbidden"),
]


@pytest.mark.parametrize(("body", "code"), WRONG, ids=[f"{code} {next(iter(body))}" for body, code in WRONG])
def test_faulty_requests_are_refused_with_a_code(
    client: httpx2.Client, model_id: str, body: dict[str, Any], code: str
) -> None:
    answer = client.post(f"/v1/jobs/{model_id}/trace", json=body)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["code"] == code


PACKAGE = {
    "box.py": "import numpy as np\ndef closed(parameters, inputs):\n    return np.asarray(inputs) * 2\n",
    "box-1.dist-info/METADATA": "Metadata-Version: 2.1\nName: box\nVersion: 1\n",
    "box-1.dist-info/entry_points.txt": "[dualtrain.layers]\nclosed = box:closed\n",
}
"""A package whose layer takes no dual numbers."""


@pytest.fixture
def closed_layer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    for name, content in PACKAGE.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(content)
    monkeypatch.syspath_prepend(tmp_path)
    return "closed"


@pytest.mark.parametrize("rounded", [True, False])
def test_through_a_black_box(digits: Dataset, data_dir: Path, closed_layer: str, rounded: bool) -> None:
    layers = [{"units": 10}, {"custom": "quantize" if rounded else closed_layer}, {"units": 10}]
    spec = JobSpec.model_validate({"network": {"layers": layers}, "gradient": {"method": "spsa"}})
    network = network_for(spec)
    model = LoadedModel("j", 1, spec, network, network.init(0), digits.classes, "mnist")
    if rounded:
        view = tracing.respond(model, TraceRequest(), data_dir, ())
        assert view.derivative == 0  # a step function: so it is, nearly everywhere
    else:
        with pytest.raises(Invalid) as caught:
            tracing.respond(model, TraceRequest(), data_dir, ())
        assert [fault.code for fault in caught.value.faults] == ["not_differentiable"]
    assert tracing.respond(model, TraceRequest(layer=2), data_dir, ()).derivative != 0


def test_a_data_set_that_is_gone_is_an_error(digits: Dataset, data_dir: Path) -> None:
    spec = JobSpec.model_validate({"dataset": {"name": "gone"}})
    network = network_for(spec)
    model = LoadedModel("j", 1, spec, network, network.init(0), digits.classes, "mnist")
    with pytest.raises(Invalid) as caught:
        tracing.respond(model, TraceRequest(), data_dir, ())
    assert [fault.code for fault in caught.value.faults] == ["unknown_dataset"]
