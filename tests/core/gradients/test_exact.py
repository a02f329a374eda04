"""All exact methods against reverse mode, and against themselves in other groupings."""

import subprocess
import sys
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dualtrain.core.gradients import Draw, FiniteDifference, Method, PerNeuron, PerParameter, gradient
from dualtrain.core.nn import ACTIVATIONS, Custom, Dense, Network
from dualtrain.core.nn.activations import ActivationName
from dualtrain.core.nn.losses import LossName
from dualtrain.core.nn.tensor import Array

EXACT = [PerParameter(), PerNeuron()]
Reference = Callable[[Network, Array, Array, Array], Array]


def sample(network: Network, count: int, dtype: type = np.float64) -> tuple[Array, Array, Array]:
    """Parameters, inputs and labels; biases are moved away from 0."""
    generator = np.random.default_rng(5)
    parameters = network.init(3, dtype) + dtype(0.01) * generator.standard_normal(network.size).astype(dtype)
    inputs = generator.random((count, network.input_size)).astype(dtype)
    return parameters, inputs, generator.integers(0, network.classes, count)


def distance(found: Array, exact: Array) -> float:
    """The largest error relative to the largest entry."""
    return float(np.abs(found - exact).max() / np.abs(exact).max())


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
@pytest.mark.parametrize("depth", range(1, 7))
@pytest.mark.parametrize("loss", ["cross-entropy", "mean-squared-error"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_exact_methods_agree_with_reverse_mode(
    reverse_mode: Reference, activation: ActivationName, loss: LossName, depth: int, method: Method
) -> None:
    hidden = [Dense(5 - index % 2, activation, "he", bias=index != 1) for index in range(depth - 1)]
    last = Dense(3, "softmax" if loss == "cross-entropy" else activation)
    network = Network(6, (*hidden, last), loss)
    parameters, inputs, labels = sample(network, 7)
    exact = reverse_mode(network, parameters, inputs, np.eye(3)[labels])
    assert distance(gradient(network, parameters, inputs, labels, method), exact) < 1e-12


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
def test_layers_and_batches_of_many_blocks_agree_with_reverse_mode(reverse_mode: Reference, method: Method) -> None:
    network = Network(40, (Dense(300, "tanh"), Dense(200, "relu"), Dense(10, "softmax")))
    parameters, inputs, labels = sample(network, 300)
    blocks = method.blocks(network, 300)
    assert len({block.samples for block in blocks}) > 1
    assert len({block.directions for block in blocks}) > len(network.layers)  # layers are cut as well
    exact = reverse_mode(network, parameters, inputs, np.eye(10)[labels])
    assert distance(gradient(network, parameters, inputs, labels, method), exact) < 1e-12


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
def test_what_blocks_have_in_common_is_computed_once(method: Method, monkeypatch: pytest.MonkeyPatch) -> None:
    network, connect = Network(40, (Dense(400, "tanh"), Dense(10, "softmax"))), Dense.connect
    first: list[Array] = []

    def counted(layer: Dense, arrays: tuple[Array, ...], inputs: Array) -> Array:
        if layer.units == 400:
            first.append(inputs)
        return connect(layer, arrays, inputs)

    monkeypatch.setattr(Dense, "connect", counted)
    parameters, inputs, labels = sample(network, 256, np.float32)
    method.measure(network, parameters, inputs, labels, method.blocks(network, 256), Draw(0, 0))
    assert len(first) == 1


def test_the_seed_network_agrees_with_central_differences() -> None:
    network = Network(144, (Dense(20, "relu", "he"), Dense(10, "softmax", "xavier")))
    parameters, inputs, labels = sample(network, 8)
    exact = gradient(network, parameters, inputs, labels, PerParameter())
    assert distance(gradient(network, parameters, inputs, labels, FiniteDifference()), exact) < 1e-7


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
def test_the_loss_comes_with_the_rows(method: Method) -> None:
    network = Network(6, (Dense(5, "relu", "he"), Dense(3, "softmax")))
    parameters, inputs, labels = sample(network, 300)
    blocks = method.blocks(network, 300)
    rows = method.measure(network, parameters, inputs, labels, blocks, Draw(0, 0))
    estimate = method.combine(network, blocks, rows, parameters.dtype, Draw(0, 0))
    assert estimate.loss == pytest.approx(network.loss(parameters, inputs, labels), rel=1e-12)
    assert estimate.variance is None


@settings(max_examples=20, deadline=None)
@given(cuts=st.lists(st.integers(0, 60), max_size=6), double=st.booleans(), per_neuron=st.booleans())
def test_any_grouping_into_shards_gives_the_same_bits(cuts: list[int], double: bool, per_neuron: bool) -> None:
    network = Network(30, (Dense(48, "relu", "he"), Dense(24, "tanh"), Dense(10, "softmax")))
    parameters, inputs, labels = sample(network, 300, np.float64 if double else np.float32)
    method: Method = PerNeuron() if per_neuron else PerParameter()
    blocks = method.blocks(network, 300)
    whole = method.measure(network, parameters, inputs, labels, blocks, Draw(0, 0))
    bounds = sorted({0, len(blocks), *(cut for cut in cuts if cut < len(blocks))})
    pieces = [blocks[start:stop] for start, stop in zip(bounds, bounds[1:], strict=False)]
    rows = [row for piece in pieces for row in method.measure(network, parameters, inputs, labels, piece, Draw(0, 0))]
    assert [row.tobytes() for row in rows] == [row.tobytes() for row in whole]
    assert {row.dtype for row in rows} == {parameters.dtype}


SCRIPT = """
import numpy as np
from dualtrain.core.gradients import Draw, PerNeuron, PerParameter
from dualtrain.core.nn import Dense, Network
network = Network(144, (Dense(20, "relu", "he"), Dense(10, "softmax")))
inputs, labels = np.random.default_rng(0).random((64, 144)), np.arange(64) % 10
for dtype in (np.float32, np.float64):
    for method in (PerParameter(), PerNeuron()):
        parameters, blocks, draw = network.init(0, dtype), method.blocks(network, 64), Draw(0, 0)
        whole = method.measure(network, parameters, inputs.astype(dtype), labels, blocks, draw)
        alone = [method.measure(network, parameters, inputs.astype(dtype), labels, [b], draw)[0] for b in blocks]
        if [row.tobytes() for row in whole] != [row.tobytes() for row in alone]:
            raise SystemExit(f"{method} differs in {dtype}")
"""


def test_grouping_keeps_the_bits_with_another_kernel() -> None:
    environment = {"OPENBLAS_CORETYPE": "Haswell", "OPENBLAS_NUM_THREADS": "1", "PATH": ""}
    run = subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
def test_a_layer_without_derivative_is_refused(method: Method) -> None:
    network = Network(4, (Dense(3), Custom("quantize"), Dense(2, "softmax")))
    with pytest.raises(ValueError, match=r"layer 1 is the custom layer 'quantize'.*'finite-difference' or 'spsa'"):
        method.check(network)


def test_torch_agrees() -> None:
    torch = pytest.importorskip("torch")
    network = Network(20, (Dense(12, "gelu", "lecun"), Dense(5, "softmax")))
    parameters, inputs, labels = sample(network, 9)
    vector = torch.tensor(parameters, requires_grad=True)
    first, second = vector[:252], vector[252:]
    hidden = torch.nn.functional.gelu(
        torch.tensor(inputs) @ first[:240].reshape(20, 12) + first[240:], approximate="tanh"
    )
    logits = hidden @ second[:60].reshape(12, 5) + second[60:]
    (exact,) = torch.autograd.grad(torch.nn.functional.cross_entropy(logits, torch.tensor(labels)), vector)
    assert distance(gradient(network, parameters, inputs, labels, PerNeuron()), exact.numpy()) < 1e-12


def test_jax_agrees() -> None:
    jax = pytest.importorskip("jax")
    network = Network(20, (Dense(12, "softplus", "lecun"), Dense(5, "softmax")))
    parameters, inputs, labels = sample(network, 9, np.float32)

    def loss(vector: Array) -> Array:
        hidden = jax.nn.softplus(inputs @ vector[:240].reshape(20, 12) + vector[240:252])
        logits = hidden @ vector[252:312].reshape(12, 5) + vector[312:]
        return -jax.nn.log_softmax(logits)[np.arange(9), labels].mean()

    exact = np.asarray(jax.grad(loss)(parameters))
    assert distance(gradient(network, parameters, inputs, labels, PerParameter()), exact) < 1e-5
