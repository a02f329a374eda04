"""Networks whose hidden layers have losses of their own: gradients against reverse mode with stopped tangents."""

from collections.abc import Callable

import numpy as np
import pytest

from dualtrain.core.gradients import Draw, ForwardGradient, Method, PerNeuron, PerParameter, gradient
from dualtrain.core.gradients.local_losses import LocalMethod
from dualtrain.core.nn import Conv2D, Dense, LayerNorm, LocalLosses, MaxPool2D, Network, Residual
from dualtrain.core.nn.tensor import Array
from dualtrain.core.spec import JobSpec, faults

Reference = Callable[[Network, Array, Array, Array], Array]
EXACT = [PerParameter(), PerNeuron()]
NETWORKS = {
    "dense": (6, (Dense(5, "tanh"), Dense(4, "relu"), Dense(6, "gelu"), Dense(3, "softmax"))),
    "norms": (6, (LayerNorm(), Dense(5, "tanh"), LayerNorm(affine=True), Dense(4, "tanh"), Dense(3, "softmax"))),
    "images": (
        (6, 6, 1),
        (
            Conv2D(filters=2, activation="relu"),
            MaxPool2D(),
            Dense(8, "tanh"),
            Residual(layers=(Dense(4, "tanh"), Dense(8))),
            Dense(3, "softmax"),
        ),
    ),
}


def made(name: str, groups: int = 1) -> Network:
    size, layers = NETWORKS[name]
    return Network(size, layers, local_losses=LocalLosses(groups))  # type: ignore[arg-type]


def sample(network: Network, count: int = 5) -> tuple[Array, Array, Array]:
    generator = np.random.default_rng(5)
    parameters = network.init(3, np.float64) + 0.05 * generator.standard_normal(network.size)
    return parameters, generator.standard_normal((count, network.widths[0])), generator.integers(0, 3, count)


def by_parts(reverse_mode: Reference, network: Network, parameters: Array, inputs: Array, labels: Array) -> Array:
    """The gradients of the parts by reverse mode, each from the plain outputs of the one before."""
    found, start = [], 0
    for part in network.parts:
        own = part.network
        theta = parameters[start : start + own.size]
        softmax = Network(own.input_size, (*own.layers[:-1], Dense(own.widths[-1], "softmax")))
        found.append(reverse_mode(softmax, theta, inputs, np.eye(3)[labels]))
        trace = own.trace(own.unpack(theta), inputs)
        inputs, start = trace[-2].inputs.reshape(len(inputs), -1), start + own.size
    return np.concatenate(found)


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
@pytest.mark.parametrize("name", NETWORKS)
def test_exact_methods_agree_with_reverse_mode(reverse_mode: Reference, name: str, method: Method) -> None:
    network = made(name)
    parameters, inputs, labels = sample(network)
    exact = by_parts(reverse_mode, network, parameters, inputs, labels)
    found = gradient(network, parameters, inputs, labels, LocalMethod(method))
    np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12 * np.abs(exact).max())


@pytest.mark.parametrize("groups", [1, 2])
def test_jax_agrees_with_stopped_gradients(groups: int) -> None:
    jax = pytest.importorskip("jax")
    jax.config.update("jax_enable_x64", True)
    network = Network(6, (Dense(4, "tanh"), Dense(8, "tanh"), Dense(3, "softmax")), local_losses=LocalLosses(groups))
    parameters, inputs, labels = sample(network)

    def loss(vector: Array) -> Array:
        weights, bias, rest = vector[:24].reshape(6, 4), vector[24:28], vector[28:]
        values = jax.numpy.tanh(inputs @ weights + bias)
        heads, biases = rest[:12].reshape(groups, 4 // groups, 3), rest[12 : 12 + 3 * groups]
        rest = rest[12 + 3 * groups :]
        total = 0.0
        for group in range(groups):
            own = values[:, group * (4 // groups) : (group + 1) * (4 // groups)]
            total += cross_entropy(own @ heads[group] + biases[3 * group : 3 * group + 3])
        values = jax.numpy.tanh(jax.lax.stop_gradient(values) @ rest[:32].reshape(4, 8) + rest[32:40])
        return total + cross_entropy(values @ rest[40:64].reshape(8, 3) + rest[64:])

    def cross_entropy(logits: Array) -> Array:
        return -jax.nn.log_softmax(logits)[np.arange(5), labels].mean()

    exact = np.asarray(jax.grad(loss)(parameters))
    for method in EXACT:
        found = gradient(network, parameters, inputs, labels, LocalMethod(method))
        np.testing.assert_allclose(found, exact, rtol=0, atol=1e-12 * np.abs(exact).max())


def test_groups_agree_with_finite_differences_of_the_part() -> None:
    network = made("dense", 1)
    grouped = Network(6, (Dense(4, "tanh"), Dense(6, "tanh"), Dense(3, "softmax")), local_losses=LocalLosses(2))
    parameters, inputs, labels = sample(grouped)
    found = gradient(grouped, parameters, inputs, labels, LocalMethod(PerNeuron()))
    first = grouped.parts[0].network
    for index in range(first.size):
        step = np.zeros(first.size)
        step[index] = 1e-6
        above, below = (first.loss(parameters[: first.size] + sign * step, inputs, labels) for sign in (1, -1))
        assert found[index] == pytest.approx((above - below) / 2e-6, abs=1e-8)
    assert network.heads == 1


def test_estimates_point_along_the_gradient_and_any_grouping_gives_the_same_bits() -> None:
    network = made("dense")
    parameters, inputs, labels = sample(network, 70)
    exact = gradient(network, parameters, inputs, labels, LocalMethod(PerNeuron()))
    method = LocalMethod(ForwardGradient(directions=400, perturb="activations"))
    blocks, draw = method.blocks(network, 70), Draw(0, 3)
    rows = method.measure(network, parameters, inputs, labels, blocks, draw)
    estimate = method.combine(network, blocks, rows, parameters.dtype, draw)
    assert estimate.gradient @ exact > 0.9 * np.linalg.norm(estimate.gradient) * np.linalg.norm(exact)
    assert estimate.loss == pytest.approx(network.loss(parameters, inputs, labels))
    alone = [method.measure(network, parameters, inputs, labels, [block], draw)[0] for block in reversed(blocks)]
    assert [row.tobytes() for row in rows] == [row.tobytes() for row in reversed(alone)]


def test_heads_lie_behind_their_layer_and_do_not_change_what_is_predicted() -> None:
    network = made("images")
    plain = Network(network.input_size, network.layers)
    names = [f"{part.layer}.{part.name}" for part in network.slices]
    assert names[:4] == ["0.kernel", "0.bias", "1.head.weights", "1.head.bias"]
    assert "3.0.weights" in names
    parameters, inputs, _ = sample(network)
    own = np.concatenate([part.of(parameters).ravel() for part in network.slices if "head" not in part.name])
    np.testing.assert_array_equal(network.logits(parameters, inputs), plain.logits(own, inputs))


@pytest.mark.parametrize(
    ("document", "pointer"),
    [
        ({"gradient": {"method": "spsa"}, "network": {"local_losses": {}}}, "/gradient/method"),
        (
            {"network": {"layers": [{"units": 20}, {"units": 8}, {"units": 10}], "local_losses": {"groups": 3}}},
            "/network/local_losses/groups",
        ),
    ],
)
def test_what_cannot_be_is_a_fault(document: dict[str, object], pointer: str) -> None:
    assert [fault.pointer for fault in faults(JobSpec.model_validate(document), 10, 60_000)] == [pointer]
