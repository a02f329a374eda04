from math import log

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose

from dualtrain.core.dual import jvp
from dualtrain.core.nn import LOSSES
from dualtrain.core.nn.losses import LossName, one_hot

ROWS = st.lists(st.lists(st.floats(-20, 20), min_size=3, max_size=3), min_size=1, max_size=4)


def test_cross_entropy_is_the_surprise_of_the_right_class() -> None:
    losses, _ = LOSSES["cross-entropy"].differentiate(np.log([[0.2, 0.3, 0.5]]), np.array([[0.0, 1.0, 0.0]]))
    assert_allclose(losses, [-log(0.3)], rtol=1e-12)


def test_squared_error_is_a_mean_over_classes() -> None:
    losses, _ = LOSSES["mean-squared-error"].differentiate(np.array([[1.0, 2.0]]), np.array([[0.0, 4.0]]))
    assert_allclose(losses, [(1 + 4) / 2])


def test_cross_entropy_of_huge_logits_is_finite() -> None:
    losses, derivative = LOSSES["cross-entropy"].differentiate(np.array([[1e4, -1e4]]), np.array([[0.0, 1.0]]))
    assert_allclose(losses, [2e4])
    assert_allclose(derivative, [[1.0, -1.0]])


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("soft", [False, True])
@given(rows=ROWS, seed=st.integers(0, 99))
def test_derivatives_are_central_differences(name: LossName, soft: bool, rows: list[list[float]], seed: int) -> None:
    outputs, h = np.array(rows), 1e-5
    generator = np.random.default_rng(seed)
    targets = generator.random(outputs.shape) if soft else np.eye(3)[generator.integers(0, 3, len(rows))]
    direction = generator.standard_normal(outputs.shape)
    values = [LOSSES[name].differentiate(outputs + sign * h * direction, targets)[0] for sign in (1, -1)]
    difference = (values[0] - values[1]) / (2 * h)
    _, derivative = LOSSES[name].differentiate(outputs, targets)
    assert_allclose((derivative * direction).sum(axis=-1), difference, rtol=1e-5, atol=1e-7)
    _, tangent = jvp(lambda x: LOSSES[name].of(x, targets), (outputs,), (direction,))
    assert_allclose(tangent, (derivative * direction).sum(axis=-1), rtol=1e-12, atol=1e-12)


def test_numbers_and_rows_are_the_same_targets() -> None:
    numbers = one_hot(np.array([2, 0]), 3, np.dtype(np.float32))
    rows = one_hot(np.array([[0, 0, 1], [1, 0, 0]]), 3, np.dtype(np.float32))
    assert numbers.dtype == rows.dtype == np.float32
    assert numbers.tolist() == rows.tolist() == [[0, 0, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([0, -1], "no class -1: the network has 3"),
        ([3, 1], "no class 3: the network has 3"),
        ([[1], [2]], r"rows \(N, 3\), not int64 of shape \(2, 1\)"),
        ([0.0, 1.0], "whole numbers .* not float64"),
        ([True, False, True], "whole numbers .* not bool"),
        ([], "one or more .* not float64 of shape"),
        (np.zeros((0, 3)), "one or more"),
        (2, r"shape \(\)"),
    ],
)
def test_what_names_no_class_is_refused(labels: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        one_hot(np.array(labels), 3, np.dtype(np.float64))


def test_a_list_of_class_numbers_will_do() -> None:
    assert one_hot([2, 0], 3, np.dtype(np.float64)).tolist() == [[0, 0, 1], [1, 0, 0]]  # type: ignore[arg-type]
