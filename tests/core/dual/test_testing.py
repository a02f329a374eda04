"""The check of derivatives finds what is wrong."""

import numpy as np
import pytest

from dualtrain.core.dual import check_derivatives, rule
from dualtrain.core.dual.engine import plain

X = np.array([0.4, 1.1])


def test_right_derivatives_pass():
    check_derivatives(lambda x, y: (np.sin(x) * y, {"twice": 2 * x}["twice"]), X, X + 1, order=3)
    check_derivatives(lambda z: np.exp(1j * z), X + 1j)


@pytest.mark.parametrize(
    ("partial", "order", "message"),
    [
        (lambda t, out, x: 2.001 * x * t, 1, "the tangent"),
        (lambda t, out, x: plain(x) * 2 * t, 2, "the tangent"),
        (lambda t, out, x: 2 * x * np.abs(t), 1, "the tangent"),
    ],
)
def test_wrong_derivatives_are_told(partial, order, message):
    square = rule(partial)(np.square)
    with pytest.raises(AssertionError, match=message):
        check_derivatives(square, X, order=order)


def test_a_wrong_value_is_told():
    function = rule(lambda t, out, x: t)(lambda x: x)
    with pytest.raises(AssertionError, match="the value"):
        check_derivatives(lambda x: function(x) + (0 if isinstance(x, np.ndarray) else 1), X)


def test_directions_that_influence_each_other_are_told():
    def mixed(x):
        tangent = getattr(x, "tangent", None)
        if tangent is None or tangent.ndim == 1:
            return x * 1.0
        return x.like(x.primal, tangent[::-1].copy())

    with pytest.raises(AssertionError, match="of directions"):
        check_derivatives(mixed, X, order=1)
