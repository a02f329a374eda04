"""Random directions: forward gradients and SPSA against the exact gradient."""

from itertools import product
from typing import Any, Literal

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from dualtrain.core.gradients import SPSA, Draw, Estimate, ForwardGradient, Method, PerNeuron, gradient
from dualtrain.core.gradients.random_directions import DISTRIBUTIONS
from dualtrain.core.nn import Custom, Dense, Network
from dualtrain.core.nn.activations import ActivationName
from dualtrain.core.nn.tensor import Array

NETWORK = Network(5, (Dense(4, "tanh"), Dense(3, "relu", bias=False), Dense(3, "softmax")))
GENERATOR = np.random.default_rng(0)
INPUTS, LABELS = GENERATOR.random((6, 5)), GENERATOR.integers(0, 3, 6)
PARAMETERS = NETWORK.init(4, np.float64)
EXACT = gradient(NETWORK, PARAMETERS, INPUTS, LABELS, PerNeuron())
KINDS = [
    ForwardGradient(distribution=distribution, perturb=perturb, exact_last_layer=exact)
    for distribution, perturb, exact in product(DISTRIBUTIONS, ("weights", "activations"), (True, False))
]


def named(method: Method) -> str:
    return " ".join(str(value) for value in vars(method).values())


def with_directions(method: Method, directions: int) -> Method:
    return type(method)(**{**vars(method), "directions": directions})


def estimate(method: Method, seed: int = 0, network: Network = NETWORK) -> Estimate:
    blocks = method.blocks(network, len(LABELS))
    rows = method.measure(network, PARAMETERS, INPUTS, LABELS, blocks, Draw(seed, 3))
    return method.combine(network, blocks, rows, np.float64, Draw(seed, 3))


@pytest.mark.parametrize("method", [*KINDS, SPSA()], ids=named)
def test_estimates_are_unbiased_and_their_variance_is_what_they_say(method: Method) -> None:
    many = [estimate(with_directions(method, 6), seed) for seed in range(600)]
    gradients = np.array([one.gradient for one in many])
    deviation = gradients.std(axis=0, ddof=1) / np.sqrt(len(many))
    seen = deviation > 1e-12  # the last layer may be exact
    scores = (gradients.mean(axis=0) - EXACT)[seen] / deviation[seen]
    assert np.abs(scores).max() < 4.5  # of about 40 normal scores, one in 3,600 runs is larger
    scatter = ((gradients - EXACT) ** 2).sum(axis=1).mean()
    assert ((gradients.mean(axis=0) - EXACT) ** 2).sum() < 4 * scatter / len(many)
    assert_allclose(np.mean([one.variance for one in many]), scatter, rtol=0.1)


@pytest.mark.parametrize("method", KINDS, ids=named)
def test_more_directions_come_closer(method: Method) -> None:
    errors = [np.linalg.norm(estimate(with_directions(method, count)).gradient - EXACT) for count in (4, 4000)]
    assert errors[1] < 0.25 * errors[0]


@pytest.mark.parametrize("exact", [True, False])
def test_all_orthogonal_directions_together_are_the_exact_gradient(exact: bool) -> None:
    hidden, units = (36, 7) if exact else (NETWORK.size, 10)
    whole = estimate(ForwardGradient(directions=hidden, distribution="orthogonal", exact_last_layer=exact))
    assert_allclose(whole.gradient, EXACT, rtol=1e-9, atol=1e-12)
    assert whole.variance == 0
    over_activations = ForwardGradient(
        directions=units, distribution="orthogonal", perturb="activations", exact_last_layer=exact
    )
    assert_allclose(estimate(over_activations).gradient, EXACT, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("perturb", ["weights", "activations"])
def test_the_last_layer_is_exact(perturb: Literal["weights", "activations"]) -> None:
    last = slice(36, None)
    method = ForwardGradient(directions=1, perturb=perturb)
    assert_allclose(estimate(method).gradient[last], EXACT[last], rtol=1e-12)
    noisy = ForwardGradient(directions=1, perturb=perturb, exact_last_layer=False)
    assert not np.allclose(estimate(noisy).gradient[last], EXACT[last], rtol=0.1)


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("activation", ["relu", "softmax", "tanh", "identity"])
def test_units_with_slope_0_are_not_perturbed(activation: ActivationName, exact: bool) -> None:
    """Of one sample, so that no other sample moves the unit. Before, their share was noise with mean 0."""
    network = Network(5, (Dense(40, activation, "he"), Dense(3, "softmax")))
    parameters = network.init(0, np.float64)
    method = ForwardGradient(directions=3, perturb="activations", exact_last_layer=exact)
    gradients = [gradient(network, parameters, INPUTS[:1], LABELS[:1], kind) for kind in (method, PerNeuron())]
    estimated, expected = (values[200:240] for values in gradients)  # the biases of the hidden layer
    assert_array_equal(estimated == 0, expected == 0)
    assert (activation == "relu") == (expected == 0).any()


def test_one_layer_leaves_nothing_to_estimate() -> None:
    network = Network(5, (Dense(3, "softmax"),))
    with pytest.raises(ValueError, match="set 'exact_last_layer' to false"):
        ForwardGradient().check(network)
    method = ForwardGradient(exact_last_layer=False, directions=network.size, distribution="orthogonal")
    parameters = network.init(0, np.float64)
    exact = gradient(network, parameters, INPUTS, LABELS, PerNeuron())
    assert_allclose(gradient(network, parameters, INPUTS, LABELS, method), exact, rtol=1e-9)


@pytest.mark.parametrize("method", [ForwardGradient(exact_last_layer=False), ForwardGradient(), SPSA()], ids=named)
def test_a_round_sends_slopes_and_not_directions(method: Method) -> None:
    network = Network(784, (Dense(100, "relu"), Dense(10, "softmax")))
    inputs, labels = np.ones((2, 784), np.float32), np.array([1, 2])
    blocks = method.blocks(network, 2)
    rows = method.measure(network, network.init(0), inputs, labels, blocks, Draw(0, 0))
    exact = 1010 if isinstance(method, ForwardGradient) and method.exact_last_layer else 0
    assert sum(row.size for row in rows) == method.cost(network, 2).row_numbers == 16 + 16 + exact
    assert sum(row.nbytes for row in rows) < 2000 + 4 * exact


def test_passes_count_those_of_the_last_layer() -> None:
    assert ForwardGradient(directions=4).passes(NETWORK) == 4 + 3
    assert ForwardGradient(directions=4, exact_last_layer=False).passes(NETWORK) == 4


def test_one_direction_says_nothing_of_its_variance() -> None:
    assert estimate(ForwardGradient(directions=1)).variance is None
    assert estimate(SPSA(directions=1)).variance is None


@pytest.mark.parametrize("method", [*KINDS, SPSA()], ids=named)
def test_directions_are_the_same_anywhere_and_new_in_every_step(method: Method) -> None:
    method = with_directions(method, 20)
    blocks = method.blocks(NETWORK, 6)
    whole = method.measure(NETWORK, PARAMETERS, INPUTS, LABELS, blocks, Draw(1, 2, 3))
    alone = [method.measure(NETWORK, PARAMETERS, INPUTS, LABELS, [block], Draw(1, 2, 3))[0] for block in blocks[::-1]]
    assert [row.tobytes() for row in alone[::-1]] == [row.tobytes() for row in whole]
    for other in (Draw(0, 2, 3), Draw(1, 0, 3), Draw(1, 2, 0)):
        rows = method.measure(NETWORK, PARAMETERS, INPUTS, LABELS, blocks, other)
        assert not any(np.array_equal(row, one) for row, one in zip(rows, whole, strict=True))


@pytest.mark.parametrize("method", KINDS, ids=named)
def test_the_loss_comes_with_the_rows(method: Method) -> None:
    assert estimate(method).loss == pytest.approx(NETWORK.loss(PARAMETERS, INPUTS, LABELS), rel=1e-12)


@pytest.mark.parametrize("method", KINDS, ids=named)
def test_float32_stays_float32(method: Method) -> None:
    blocks = method.blocks(NETWORK, 6)
    parameters, inputs = PARAMETERS.astype(np.float32), INPUTS.astype(np.float32)
    rows = method.measure(NETWORK, parameters, inputs, LABELS, blocks, Draw(0, 0))
    assert {row.dtype for row in rows} == {np.dtype(np.float32)}
    assert method.combine(NETWORK, blocks, rows, np.float32, Draw(0, 0)).gradient.dtype == np.float32


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_directions_have_the_identity_as_covariance(name: str) -> None:
    source = np.random.default_rng(0)
    drawn: Array = np.concatenate([DISTRIBUTIONS[name](source, (3, 5), np.float64) for _ in range(8000)])
    assert_allclose(drawn.T @ drawn / len(drawn), np.eye(5), atol=0.06)


def test_orthogonal_directions_are_orthogonal() -> None:
    drawn = DISTRIBUTIONS["orthogonal"](np.random.default_rng(0), (4, 2, 7), np.float64)
    for sample in range(2):
        assert_allclose(drawn[:, sample] @ drawn[:, sample].T, 7 * np.eye(4), atol=1e-12)


def test_a_layer_without_derivative_is_refused() -> None:
    with pytest.raises(ValueError, match="layer 0 is the custom layer"):
        ForwardGradient().check(Network(5, (Custom("quantize"), Dense(3))))


@pytest.mark.parametrize("samples", [2, 40])
def test_the_squares_of_one_direction_are_those_of_its_gradient(samples: int) -> None:
    """Both with few samples for the weights and with many."""
    inputs, labels = GENERATOR.normal(size=(samples, 5)), GENERATOR.integers(0, 3, samples)
    method = ForwardGradient(directions=1, perturb="activations", exact_last_layer=False)
    blocks = method.blocks(NETWORK, samples)
    (row,) = method.measure(NETWORK, PARAMETERS, inputs, labels, blocks, Draw(0, 0))
    assert_allclose(row[-2], row[:-2] @ row[:-2], rtol=1e-12)


def test_directions_in_the_span_of_the_next_weights_scatter_less() -> None:
    """As many dimensions as classes, not units; all of them together are the exact gradient."""
    network = Network(5, (Dense(40, "tanh"), Dense(3, "softmax")))
    parameters = network.init(0, np.float64)
    exact = gradient(network, parameters, INPUTS, LABELS, PerNeuron())

    def error(**options: Any) -> float:
        method = ForwardGradient(perturb="activations", **options)
        found = [gradient(network, parameters, INPUTS, LABELS, method, Draw(seed, 0)) for seed in range(30)]
        return float(np.mean([((each - exact) ** 2).sum() for each in found]) / (exact @ exact))

    assert error(directions=1, guess="next-weights") < 0.4 * error(directions=1)
    assert error(directions=3, guess="next-weights", distribution="orthogonal") < 1e-20


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"guess": "next-weights"}, "'guess' belongs to"),
        ({"pieces": 2, "perturb": "activations"}, "'pieces' belongs to"),
        ({"distribution": "low-rank", "perturb": "activations"}, "'low-rank' belongs to"),
        ({"average": "projection", "perturb": "activations"}, "'orthogonal' is the same"),
        ({"pieces": 2, "distribution": "orthogonal"}, "'pieces' takes"),
        ({"average": "projection", "distribution": "orthogonal"}, "'projection' takes"),
    ],
)
def test_options_that_do_not_go_together_are_named(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ForwardGradient(**options).check(NETWORK)
