"""Functions that choose among elements: to second order against differences."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives, derivative, jacobian, jvp

WHOLE = np.arange(6).reshape(2, 3)
METHODS = (
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen", "weibull",
    "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
)  # fmt: skip

CASES = {
    np.where: [
        (lambda x: np.where([True, False, True], x, 0), (2, 3)),
        (lambda x: np.where(x * 0, 1, x), (2, 3)),
        (lambda x, y: np.where(WHOLE > 2, x, y), (2, 3), (3,)),
        (lambda x: np.where(x > 0, x * x, 0), (2, 3)),
        (lambda x: np.where(WHOLE % 2 == 0, 1.0, x), (2, 1)),
    ],
    np.clip: [(lambda x: np.clip(x, -0.5, 0.5), (2, 3)), (lambda x, y: np.clip(x, y, None), (2, 3), (3,))],
    np.take: [(lambda x: np.take(x, [[0, 5], [2, 2]]), (2, 3)), (lambda x: np.take(x, [2, 0], axis=1), (2, 3, 2))],
    np.take_along_axis: [
        (lambda x: np.take_along_axis(x, WHOLE % 3, 1), (2, 3)),
        (lambda x: np.take_along_axis(x, WHOLE[:1] % 2, axis=0), (2, 3)),
    ],
    np.sort: [(np.sort, (3, 4)), (lambda x: np.sort(x, axis=0), (4, 3)), (lambda x: np.sort(x, axis=None), (2, 3))],
    np.partition: [(lambda x: np.sort(np.partition(x, 2)[:2]), (5,))],
    np.quantile: [
        (lambda x: np.quantile(x, 0.3), (2, 4)),
        (lambda x: np.quantile(x, [0.2, 0.9], axis=0), (4, 3)),
        (lambda x: np.quantile(x, 0.6, axis=(0, 2), keepdims=True), (2, 3, 2)),
        *[(lambda x, m=m: np.quantile(x, [0.0, 0.3, 0.85, 1.0], 0, method=m), (5, 2)) for m in METHODS],
    ],
    np.percentile: [(lambda x: np.percentile(x, 35, axis=1), (2, 5))],
    np.median: [(np.median, (5,)), (lambda x: np.median(x, axis=0, keepdims=True), (4, 3))],
    np.nanquantile: [
        (lambda x: np.nanquantile(x, [0.3, 0.5], axis=0), (4, 3)),
        (lambda x: np.nanquantile(x, 0.3, method="weibull"), (5,)),
    ],
    np.nanpercentile: [
        (lambda x: np.nanpercentile(x, 30, axis=1), (2, 4)),
        (lambda x: np.nanpercentile(x, [20, 70], axis=(2, 0), keepdims=True), (2, 3, 2)),
    ],
    np.nanmedian: [
        (lambda x: np.nanmedian(np.where(WHOLE == 4, np.nan, x)[..., None] * [1, 2], axis=(0, 2)), (2, 3)),
        (lambda x: np.nanmedian(np.where(WHOLE == 4, np.nan, x), axis=1), (2, 3)),
    ],
    np.select: [(lambda x, y: np.select([x > 0.5, x < -0.5], [x * x, y], 2 * x), (2, 3), (3,))],
    np.choose: [(lambda x, y: np.choose(WHOLE % 2, [x, y]), (2, 3), (3,))],
    np.unique: [(np.unique, (5,))],
    np.unique_values: [(np.unique_values, (4,))],
    np.trim_zeros: [(lambda x: np.trim_zeros(x * np.array([0, 0, 1, 0, 1, 0.0])), (6,))],
    np.compress: [(lambda x: np.compress([True, False, True], x, axis=1), (2, 3))],
    np.extract: [(lambda x: np.extract(WHOLE > 2, x), (2, 3))],
    np.delete: [(lambda x: np.delete(x, 1), (2, 3)), (lambda x: np.delete(x, [0, 2], axis=1), (2, 3))],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


@pytest.mark.parametrize("other", [lambda x: np.sqrt(np.abs(x)), np.cumsum, lambda x: x - np.mean(x)])
def test_where_takes_a_direction_of_each_entry_beside_any_other(other: Callable[[Any], Any]) -> None:
    x = np.array([1.0, -2.0, 3.0])

    def f(x: Any) -> Any:
        return np.where(np.array([True, False, True]), x, other(x))

    rows = [jvp(f, (x,), (direction,))[1] for direction in np.eye(3)]
    np.testing.assert_allclose(jacobian(f)(x), np.transpose(rows), rtol=1e-12)


@pytest.mark.parametrize("function", [np.median, np.nanmedian], ids=lambda f: f.__name__)
@pytest.mark.parametrize(
    ("x", "expected"), [([1.0, 2.0, np.inf], [0, 1, 0]), ([-np.inf, np.inf, 3.0, 4.0], [0, 0, 0.5, 0.5])]
)
def test_infinities_beside_a_median_do_not_matter(
    function: Callable[[Any], Any], x: list[float], expected: Any
) -> None:
    value, tangents = jvp(function, (np.array(x),), (np.eye(len(x)),))
    assert value == function(x)
    assert tangents.tolist() == expected


def test_clip_without_bounds_is_a_copy() -> None:
    x = DualTensor(np.ones(2), np.ones(2))
    y = np.clip(x, None, None)
    y[0] = 5.0
    assert x.primal.tolist() == x.tangent.tolist() == [1, 1]


@pytest.mark.parametrize("function", [np.quantile, np.percentile, np.nanquantile, np.nanpercentile])
@pytest.mark.parametrize("array", [[1.0, 2.0, 4.0], np.arange(3.0)], ids=type)
def test_the_rank_of_a_quantile_is_no_dual(function: Any, array: Any) -> None:
    with pytest.raises(TypeError, match="pass q.primal"):
        derivative(lambda q: function(array, q))(0.3)
