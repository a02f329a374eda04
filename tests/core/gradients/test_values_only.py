"""Finite differences and SPSA: function values only."""

from typing import Literal

import numpy as np
import pytest

from dualtrain.core.gradients import SPSA, Draw, FiniteDifference, Method, PerParameter, gradient
from dualtrain.core.nn import SGD, Custom, Dense, Network
from dualtrain.core.nn.tensor import Array

NETWORK = Network(6, (Dense(5, "tanh"), Dense(3, "softmax")))
GENERATOR = np.random.default_rng(0)
INPUTS, LABELS = GENERATOR.random((9, 6)), GENERATOR.integers(0, 3, 9)


def relative_error(method: Method, dtype: type) -> float:
    parameters = NETWORK.init(1, dtype)
    exact = gradient(NETWORK, parameters.astype(np.float64), INPUTS, LABELS, PerParameter())
    found = gradient(NETWORK, parameters, INPUTS.astype(dtype), LABELS, method)
    assert found.dtype == dtype
    return float(np.abs(found - exact).max() / np.abs(exact).max())


def test_central_differences_are_close_to_the_exact_gradient() -> None:
    assert relative_error(FiniteDifference(), np.float64) < 1e-9


def test_forward_differences_are_less_close() -> None:
    assert 1e-9 < relative_error(FiniteDifference(scheme="forward"), np.float64) < 1e-6


def test_float32_parameters_are_differentiated_in_float64() -> None:
    assert relative_error(FiniteDifference(), np.float32) < 1e-6


def test_the_parameters_are_left_alone() -> None:
    parameters = NETWORK.init(1, np.float64)
    before = parameters.tobytes()
    for method in (FiniteDifference(), FiniteDifference(scheme="forward"), SPSA()):
        gradient(NETWORK, parameters, INPUTS, LABELS, method)
        assert parameters.tobytes() == before


@pytest.mark.parametrize("method", [FiniteDifference(scheme="central"), FiniteDifference(scheme="forward"), SPSA()])
def test_the_loss_comes_with_the_rows(method: Method) -> None:
    parameters, blocks = NETWORK.init(1, np.float64), method.blocks(NETWORK, 9)
    rows = method.measure(NETWORK, parameters, INPUTS, LABELS, blocks, Draw(0, 0))
    estimate = method.combine(NETWORK, blocks, rows, np.float64, Draw(0, 0))
    assert estimate.loss == pytest.approx(NETWORK.loss(parameters, INPUTS, LABELS), rel=1e-12)


@pytest.mark.parametrize("scheme", ["central", "forward"])
@pytest.mark.parametrize("size", [1, 10, 1000])
def test_the_smallest_step_moves_every_parameter(scheme: Literal["central", "forward"], size: float) -> None:
    smallest = FiniteDifference(scheme=scheme, step_size=2.0**-52)
    parameters = size * NETWORK.init(1, np.float64)
    with np.errstate(divide="raise", invalid="raise"):
        assert np.all(np.isfinite(gradient(NETWORK, parameters, INPUTS, LABELS, smallest)))


def test_evaluations_are_counted_and_passes_are_not() -> None:
    assert FiniteDifference().evaluations(NETWORK) == 2 * NETWORK.size
    assert FiniteDifference(scheme="forward").evaluations(NETWORK) == NETWORK.size + 1
    assert SPSA(directions=7).evaluations(NETWORK) == 14
    assert FiniteDifference().passes(NETWORK) == SPSA().passes(NETWORK) == 0


def trained(method: Method, steps: int) -> tuple[float, float]:
    """The loss before and after training a network that quantizes its hidden layer."""
    network = Network(6, (Dense(8, "tanh"), Custom("quantize"), Dense(3, "softmax")))
    labels = INPUTS[:, :3].argmax(axis=1)
    parameters: Array = network.init(2)
    first = float(network.loss(parameters, INPUTS, labels))
    optimizer = SGD(learning_rate=0.5)
    for step in range(steps):
        slope = gradient(network, parameters, INPUTS, labels, method, Draw(0, step))
        parameters, _ = optimizer.update(parameters, slope, (), step, steps)
    return first, float(network.loss(parameters, INPUTS, labels))


@pytest.mark.parametrize(
    ("method", "steps"), [(FiniteDifference(step_size=0.1), 60), (SPSA(directions=64, step_size=0.1), 150)]
)
def test_a_network_that_quantizes_is_trained(method: Method, steps: int) -> None:
    before, after = trained(method, steps)
    assert after < 0.5 * before
