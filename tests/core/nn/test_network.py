import numpy as np
import pytest
from numpy.testing import assert_allclose

from dualtrain.core.dual import jvp
from dualtrain.core.nn import Custom, Dense, Network, Slice
from dualtrain.core.nn.losses import LossName

NETWORK = Network(4, (Dense(3, "relu", "he"), Dense(2, "softmax")))
INPUTS = np.random.default_rng(0).random((5, 4))
LABELS = np.array([0, 1, 1, 0, 1])


def test_the_flat_layout_is_weights_then_bias_layer_after_layer() -> None:
    assert NETWORK.slices == (
        Slice(0, "weights", 0, 12, (4, 3), 0),
        Slice(0, "bias", 12, 15, (3,), 0),
        Slice(1, "weights", 15, 21, (3, 2), 1),
        Slice(1, "bias", 21, 23, (2,), 1),
    )
    assert NETWORK.size == 23
    (weights, bias), (last, _) = NETWORK.unpack(np.arange(23.0))
    assert weights[1].tolist() == [3, 4, 5]
    assert bias.tolist() == [12, 13, 14]
    assert last[0].tolist() == [15, 16]


def test_the_seed_network_of_the_post_has_3110_parameters() -> None:
    assert Network(144, (Dense(20, "relu", "he"), Dense(10, "softmax"))).size == 3110


def test_init_is_a_function_of_the_seed_and_the_same_in_all_dtypes() -> None:
    double = NETWORK.init(7, np.float64)
    assert NETWORK.init(7).dtype == np.float32
    assert_allclose(NETWORK.init(7), double, rtol=1e-6)
    assert not np.array_equal(NETWORK.init(8, np.float64), double)
    assert np.all(double[12:15] == 0)


def test_the_forward_pass_is_the_one_of_the_formula() -> None:
    parameters = NETWORK.init(1, np.float64)
    first, second = parameters[:12].reshape(4, 3), parameters[15:21].reshape(3, 2)
    exponentials = np.exp(np.maximum(INPUTS @ first, 0) @ second)
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    assert_allclose(NETWORK.probabilities(parameters, INPUTS), probabilities, rtol=1e-12)
    assert NETWORK.predict(parameters, INPUTS).tolist() == probabilities.argmax(axis=1).tolist()
    loss = -np.log(probabilities[np.arange(5), LABELS]).mean()
    assert_allclose(NETWORK.loss(parameters, INPUTS, LABELS), loss, rtol=1e-12)
    assert_allclose(NETWORK.loss(parameters, INPUTS, np.eye(2)[LABELS]), loss, rtol=1e-12)


def test_the_squared_error_sees_the_softmax() -> None:
    network = Network(4, NETWORK.layers, "mean-squared-error")
    parameters = network.init(1, np.float64)
    error = network.probabilities(parameters, INPUTS) - np.eye(2)[LABELS]
    assert_allclose(network.loss(parameters, INPUTS, LABELS), (error**2).mean(), rtol=1e-12)


@pytest.mark.parametrize("loss", ["cross-entropy", "mean-squared-error"])
def test_duals_pass_through_the_whole_network(loss: LossName) -> None:
    network, h = Network(4, NETWORK.layers, loss), 1e-6
    parameters = network.init(1, np.float64)
    direction = np.random.default_rng(2).standard_normal(network.size)
    values = [network.loss(parameters + sign * h * direction, INPUTS, LABELS) for sign in (1, -1)]
    _, tangent = jvp(lambda p: network.loss(p, INPUTS, LABELS), (parameters,), (direction,))
    assert_allclose(tangent, (values[0] - values[1]) / (2 * h), rtol=1e-7)


def test_float32_stays_float32() -> None:
    parameters, inputs = NETWORK.init(1), INPUTS.astype(np.float32)
    assert NETWORK.logits(parameters, inputs).dtype == np.float32
    assert NETWORK.loss(parameters, inputs, LABELS).dtype == np.float32


def test_custom_layers_pass_on_what_they_make() -> None:
    network = Network(4, (Dense(3), Custom("quantize"), Dense(2)))
    assert network.widths == (4, 3, 3, 2)
    assert [part.layer for part in network.slices] == [0, 0, 2, 2]
    logits = network.trace(network.unpack(network.init(0)), INPUTS.astype(np.float32))
    assert np.all(logits[2].inputs * 16 == np.round(logits[2].inputs * 16))


def test_networks_are_equal_by_what_they_are() -> None:
    again = Network(4, [Dense(3, "relu", "he"), Dense(2, "softmax")])
    assert again == NETWORK
    assert hash(again) == hash(NETWORK)
    assert Network(4, NETWORK.layers, "mean-squared-error") != NETWORK


@pytest.mark.parametrize(
    ("input_size", "layers", "loss"), [(0, 1, "cross-entropy"), (4, 0, "cross-entropy"), (4, 1, "l1")]
)
def test_what_is_no_network_is_refused(input_size: int, layers: int, loss: LossName) -> None:
    with pytest.raises(ValueError, match=r"needs inputs and layers|no loss 'l1'"):
        Network(input_size, (Dense(2),) * layers, loss)


@pytest.mark.parametrize("shape", [(22,), (24,), (1, 23), ()])
def test_a_vector_of_another_size_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"has 23 parameters; a vector \(23,\) is needed, not"):
        NETWORK.unpack(np.zeros(shape))
