import tracemalloc

import numpy as np
import pytest

from dualtrain.core.gradients import Method, PerNeuron, PerParameter, gradient
from dualtrain.core.gradients.tangent_widths import unit_path
from dualtrain.core.nn import Dense, Network


@pytest.mark.parametrize(
    ("layers", "widths"),
    [
        ((Dense(5, "relu"), Dense(3, "softmax")), [1, 1]),
        ((Dense(5, "softmax"), Dense(3, "softmax")), [5, 1]),
        ((Dense(5, "relu"), Dense(3, "relu")), [1, 1]),
        ((Dense(5, "relu"), Dense(4, "relu"), Dense(3, "softmax")), [3, 1, 1]),
        ((Dense(5, "relu"), Dense(4, "relu"), Dense(7, "relu"), Dense(3, "softmax")), [7, 3, 1, 1]),
    ],
)
def test_tangents_are_as_wide_as_what_they_reach(layers: tuple[Dense, ...], widths: list[int]) -> None:
    network = Network(6, layers)
    assert [unit_path(network, index).width for index in range(len(layers))] == widths


@pytest.mark.parametrize("method", [PerParameter(), PerNeuron()], ids=lambda method: method.method)
def test_the_gradient_takes_no_more_memory_than_foretold(method: Method) -> None:
    network = Network(784, (Dense(100, "relu", "he"), Dense(10, "softmax")))
    parameters, inputs, labels = (
        network.init(0),
        np.random.default_rng(0).random((64, 784), np.float32),
        np.arange(64) % 10,
    )
    gradient(network, parameters, inputs, labels, method)
    tracemalloc.start()
    gradient(network, parameters, inputs, labels, method)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    rows = 2 * parameters.nbytes  # the gradient and the rows it is made of
    assert 0.02 * method.cost(network, 64).peak_bytes < peak < method.cost(network, 64).peak_bytes + rows


@pytest.mark.parametrize("method", [PerParameter(), PerNeuron()], ids=lambda method: method.method)
def test_a_layer_so_wide_that_one_direction_fills_a_block_is_counted(method: Method) -> None:
    network = Network(16, (Dense(8, "relu"), Dense(8, "relu"), Dense(20_000, "relu"), Dense(10, "softmax")))
    widest = 128 * unit_path(network, 0).width
    assert widest == 128 * 20_000
    assert method.cost(network, 128).peak_bytes > 8 * widest


def test_the_honest_method_makes_more_passes_than_the_shared_ones() -> None:
    network = Network(784, (Dense(100, "relu", "he"), Dense(10, "softmax")))
    assert PerParameter().passes(network) == 79510
    assert PerNeuron().passes(network) == 110
