"""Running sums and products: to second order against differences."""

import math
import sys
from fractions import Fraction

import numpy as np
import pytest

from dualtrain.core.dual import check_derivatives, jacobian

CASES = {
    np.cumsum: [(np.cumsum, (2, 3)), (lambda x: np.cumsum(x, axis=0), (2, 3))],
    np.cumprod: [(np.cumprod, (2, 3)), (lambda x: np.cumprod(x, axis=0), (3, 2))],
    np.cumulative_sum: [
        (np.cumulative_sum, (3,)),
        (lambda x: np.cumulative_sum(x, axis=1, include_initial=True), (2, 3)),
    ],
    np.cumulative_prod: [(lambda x: np.cumulative_prod(x, axis=0, include_initial=True), (2, 3))],
}


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


@pytest.mark.parametrize("numbers", [[1e-200, 1e-200, 1e200], [1e200, 1e200, 1e-300], [1e-160, 1e-160, 3.0]])
def test_running_products_beyond_the_range_of_floats(numbers):
    """The product of all others may be a number where that of all is none; Python's fractions know it."""
    with np.errstate(over="ignore"):
        found = jacobian(np.cumprod)(np.array(numbers))
    for i, j in np.ndindex(3, 3):
        others = [Fraction(number) for place, number in enumerate(numbers[: i + 1]) if place != j]
        exact = math.prod(others) if j <= i else 0
        expected = math.inf if exact > sys.float_info.max else float(exact)
        assert found[i, j] == pytest.approx(expected, rel=1e-14, abs=1e-300)
