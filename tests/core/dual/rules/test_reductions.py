"""Functions that reduce: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import check_derivatives, jvp

WHOLE = np.arange(6).reshape(2, 3)

CASES = {
    np.sum: [
        (np.sum, (2, 3)),
        (lambda x: np.sum(x, axis=0, keepdims=True), (3, 2)),
        (lambda x: np.sum(x, axis=(0, -1), where=x > 0, initial=2.0), (3, 2, 3)),
    ],
    np.mean: [(np.mean, (2, 3)), (lambda x: np.mean(x, axis=1, keepdims=True, where=WHOLE > 0), (2, 3))],
    np.var: [(np.var, (2, 3)), (lambda x: np.var(x, axis=0, ddof=1, keepdims=True), (3, 2))],
    np.std: [(np.std, (2, 3)), (lambda x: np.std(x, axis=(0, 1), ddof=1), (3, 2, 3))],
    np.max: [
        (np.max, (2, 3)),
        (lambda x: np.max(x, axis=1, keepdims=True), (2, 3)),
        (lambda x: np.max(x, (0, 2)), (2, 3, 2)),
    ],
    np.amax: [(lambda x: np.amax(x, axis=0, initial=0.1), (2, 3))],
    np.min: [(np.min, (2, 3)), (lambda x: np.min(x, axis=0), (2, 3))],
    np.amin: [(lambda x: np.amin(x, axis=-1, where=WHOLE > 0, initial=9.0), (2, 3))],
    np.prod: [
        (np.prod, (2, 3)),
        (lambda x: np.prod(x, axis=1, keepdims=True), (2, 3)),
        (lambda x: np.prod(x, (0, 2)), (2, 2, 2)),
    ],
    np.ptp: [(np.ptp, (2, 3)), (lambda x: np.ptp(x, axis=1), (2, 3))],
    np.average: [
        (np.average, (2, 3)),
        (lambda x, w: np.average(x, 1, np.exp(w)), (2, 3), (3,)),
        (lambda x, w: np.average(x, None, np.exp(w), True), (3,), (3,)),
    ],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


def test_ties_are_found_beside_nan():
    """A row of NaN hits nothing and a row with a tie twice: as many hits as rows, and yet not one each."""
    x = np.array([[np.nan, 1.0], [2.0, 2.0]])
    tangent = jvp(lambda x: np.max(x, axis=1), (x,), (np.array([[1.0, 1.0], [3.0, 5.0]]),))[1]
    assert np.isnan(tangent[0])
    assert tangent[1] == 4.0


def test_a_mean_of_halves_is_added_up_in_single_precision():
    """The sum of these would be infinite in 16 bits."""
    x, tangent = np.random.default_rng(0).uniform(10, 50, (2, 5000)).astype(np.float16)
    value, found = jvp(np.mean, (x,), (tangent,))
    assert value == np.mean(x)
    assert found == np.mean(tangent)
    assert value.dtype == found.dtype == np.float16


def test_weights_stand_along_the_axes_in_their_order():
    x, weights = np.arange(24.0).reshape(2, 3, 4), np.array([[1, 5], [1, 2], [3, 1], [1, 1.0]])
    found, tangent = jvp(lambda x: np.average(x, axis=(2, 0), weights=weights), (x,), (x,))
    np.testing.assert_allclose(found, np.average(x, axis=(2, 0), weights=weights), rtol=1e-14)
    np.testing.assert_allclose(tangent, found, rtol=1e-14)
    with pytest.raises(ValueError, match="weights of shape"):
        jvp(lambda x: np.average(x, axis=(0, 2), weights=np.ones(8)), (x,), (x,))
