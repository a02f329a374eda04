"""Every kind of layer, alone and stacked: all methods against reverse mode."""

from collections.abc import Callable

import numpy as np
import pytest

from dualtrain.core.gradients import (
    SPSA,
    Draw,
    FiniteDifference,
    ForwardGradient,
    Method,
    PerNeuron,
    PerParameter,
    gradient,
)
from dualtrain.core.nn import AvgPool2D, Conv2D, Dense, LayerNorm, MaxPool2D, Network, Residual
from dualtrain.core.nn.tensor import Array

Reference = Callable[[Network, Array, Array, Array], Array]
EXACT = [PerParameter(), PerNeuron()]
LAST = Dense(3, "softmax")
IMAGES = (7, 6, 2)


def conv(filters: int = 3, kernel_size: int = 3, **options: object) -> Conv2D:
    return Conv2D(filters=filters, kernel_size=kernel_size, **{"activation": "tanh", **options})  # type: ignore[arg-type]


def block(*layers: object) -> Residual:
    return Residual(layers=layers)  # type: ignore[arg-type]


NETWORKS: dict[str, tuple[object, ...]] = {
    "convolution": (conv(), LAST),
    "strided": (conv(stride=2), LAST),
    "same": (conv(kernel_size=4, padding="same", stride=1), LAST),
    "same strided": (conv(kernel_size=4, padding="same", stride=3), LAST),
    "without bias": (conv(bias=False), LAST),
    "two convolutions": (conv(), conv(4, 2, activation="gelu"), LAST),
    "two padded convolutions": (conv(padding="same"), conv(4, 3, padding="same", stride=2, bias=False), LAST),
    "three convolutions": (conv(), conv(4, 2), conv(2, 2, activation="softplus"), LAST),
    "four convolutions": (conv(2), conv(2, 2), conv(2, 2, padding="same"), conv(3, 2), LAST),
    "max": (conv(), MaxPool2D(), LAST),
    "average": (conv(), AvgPool2D(), LAST),
    "overlapping": (conv(), MaxPool2D(size=3, stride=1), AvgPool2D(size=2, stride=1), LAST),
    "gaps": (MaxPool2D(size=2, stride=3), conv(2, 2), LAST),
    "two convolutions, max": (conv(padding="same"), conv(4, 2, activation="relu"), MaxPool2D(), LAST),
    "two convolutions, average": (conv(padding="same"), conv(4, 2), AvgPool2D(size=2, stride=3), LAST),
    "max between": (conv(padding="same"), MaxPool2D(), conv(4, 2), Dense(5, "tanh"), LAST),
    "two pools": (conv(padding="same"), conv(2, 2), MaxPool2D(), AvgPool2D(), LAST),
    "dense between": (conv(), conv(2, 2), Dense(5, "tanh"), Dense(4, "gelu"), LAST),
    "softmax of channels": (conv(activation="softmax"), conv(2, 2), LAST),
    "layer norm": (Dense(6, "tanh"), LayerNorm(), LAST),
    "affine layer norm": (LayerNorm(affine=True), Dense(6, "tanh"), LayerNorm(affine=True), LAST),
    "layer norm of images": (conv(), LayerNorm(affine=True), conv(2, 2), LAST),
    "groups": (Dense(6, "tanh", groups=2), Dense(6, "gelu", groups=3, bias=False), LAST),
    "groups at the end": (Dense(6, "tanh"), Dense(3, "softmax", groups=3)),
    "residual": (Dense(6, "tanh"), block(Dense(4, "tanh"), Dense(6)), LAST),
    "two residuals": (Dense(6), block(Dense(6, "tanh")), block(LayerNorm(affine=True), Dense(6, "tanh")), LAST),
    "residual convolutions": (block(conv(4, padding="same"), conv(2, padding="same")), conv(2, 2), LAST),
    "residual at the end": (Dense(3), block(Dense(3, "tanh"))),
    "convolution at the end": (Conv2D(filters=5), Conv2D(filters=3, kernel_size=4), AvgPool2D(size=(1))),
    "deep": (*(Dense(5 - index % 2, "tanh") for index in range(5)), LAST),
    "deep and wide": (Dense(5, "tanh"), Dense(9, "tanh"), Dense(12, "relu"), Dense(4, "tanh"), LAST),
}  # fmt: skip


def sample(network: Network, count: int = 5) -> tuple[Array, Array, Array]:
    """Parameters, inputs and labels; biases are moved away from 0."""
    generator = np.random.default_rng(5)
    parameters = network.init(3, np.float64) + 0.05 * generator.standard_normal(network.size)
    inputs = generator.standard_normal((count, network.widths[0]))
    return parameters, inputs, generator.integers(0, network.classes, count)


def distance(estimate: Array, exact: Array) -> float:
    return float(np.abs(estimate - exact).max() / np.abs(exact).max())


def made(name: str, loss: str = "cross-entropy") -> Network:
    return Network(IMAGES, NETWORKS[name], loss)  # type: ignore[arg-type]


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
@pytest.mark.parametrize("loss", ["cross-entropy", "mean-squared-error"])
@pytest.mark.parametrize("name", NETWORKS)
def test_exact_methods_agree_with_reverse_mode(reverse_mode: Reference, name: str, loss: str, method: Method) -> None:
    network = made(name, loss)
    if name in ("residual at the end", "convolution at the end") and loss == "cross-entropy":
        pytest.skip("the reference takes the logarithm of the outputs")
    parameters, inputs, labels = sample(network)
    exact = reverse_mode(network, parameters, inputs, np.eye(network.classes)[labels])
    assert distance(gradient(network, parameters, inputs, labels, method), exact) < 1e-12


@pytest.mark.parametrize("method", EXACT, ids=lambda method: method.method)
@pytest.mark.parametrize("name", NETWORKS)
def test_any_grouping_gives_the_same_bits(name: str, method: Method) -> None:
    network = made(name)
    parameters, inputs, labels = sample(network, 70)
    parameters, inputs = parameters.astype(np.float32), inputs.astype(np.float32)
    blocks = method.blocks(network, 70)
    whole = method.measure(network, parameters, inputs, labels, blocks, Draw(0, 0))
    alone = [method.measure(network, parameters, inputs, labels, [block], Draw(0, 0))[0] for block in reversed(blocks)]
    assert [row.tobytes() for row in whole] == [row.tobytes() for row in reversed(alone)]
    assert {row.dtype for row in whole} == {parameters.dtype}


@pytest.mark.parametrize("name", NETWORKS)
def test_finite_differences_agree(name: str) -> None:
    network = made(name)
    parameters, inputs, labels = sample(network, 2)
    exact = gradient(network, parameters, inputs, labels, PerNeuron())
    assert distance(gradient(network, parameters, inputs, labels, FiniteDifference()), exact) < 1e-6


ESTIMATES: list[Method] = [
    ForwardGradient(directions=3000, distribution="rademacher", exact_last_layer=False),
    ForwardGradient(directions=3000, distribution="rademacher", exact_last_layer=False, perturb="activations"),
    SPSA(directions=3000),
]


@pytest.mark.parametrize("method", ESTIMATES, ids=["weights", "activations", "spsa"])
@pytest.mark.parametrize(
    "name", ["max", "two padded convolutions", "layer norm of images", "groups", "residual convolutions"]
)
def test_estimates_point_along_the_gradient(name: str, method: Method) -> None:
    network = made(name)
    parameters, inputs, labels = sample(network, 2)
    exact = gradient(network, parameters, inputs, labels, PerNeuron())
    estimate = gradient(network, parameters, inputs, labels, method)
    cosine = estimate @ exact / np.linalg.norm(estimate) / np.linalg.norm(exact)
    assert cosine > 0.9
