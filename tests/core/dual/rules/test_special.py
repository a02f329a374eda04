"""SciPy's special functions: to second order against differences."""

import math

import numpy as np
import pytest
from scipy import special

from dualtrain.core.dual import DualNumber, check_derivatives, derivative, jvp
from dualtrain.core.dual.rules.special import RULES

OF_AN_ORDER = {special._ufuncs._zeta, special.iv, special.jv}


@pytest.mark.parametrize("function", RULES, ids=lambda function: function.__name__)
def test_derivatives_to_second_order(function):
    x = np.random.default_rng(0).uniform(0.2, 0.8, (2, 3))
    if function in OF_AN_ORDER:
        check_derivatives(lambda x: function(1.5, x + 1), x)
        return
    check_derivatives(function, *[x, x.T.reshape(2, 3)][: function.nin])


@pytest.mark.parametrize("function", [f for f in RULES if f not in OF_AN_ORDER], ids=lambda f: f.__name__)
def test_float32(function, check_types):
    check_types(function, *np.random.default_rng(0).uniform(0.2, 0.8, (function.nin, 3)))


def test_an_unknown_special_function_is_refused():
    with pytest.raises(TypeError, match=r"no derivative rule for .*ellipk"):
        check_derivatives(special.ellipk, 0.5)


@pytest.mark.parametrize("function", [special.zeta, special.iv, special.jv], ids=lambda f: f.__name__)
@pytest.mark.parametrize("x", [2.5, DualNumber(2.5, 1.0)], ids=["alone", "beside a dual"])
def test_a_derivative_by_the_order_is_refused_and_never_0(function, x):
    with pytest.raises(TypeError, match=r"no derivative rule for the order \(argument 0\): pass it as a plain number"):
        function(DualNumber(1.5, 1.0), x)


@pytest.mark.parametrize(
    ("function", "x", "expected"),
    [
        (special.expit, 50.0, math.exp(-50)),
        (special.expit, -50.0, math.exp(-50)),
        (special.log_ndtr, -1e8, 1e8),
        (special.log_ndtr, 10.0, math.exp(-50) / math.sqrt(2 * math.pi)),
    ],
)
def test_slopes_keep_their_digits(function, x, expected):
    assert derivative(function)(x) == pytest.approx(expected, rel=1e-14, abs=0)


@pytest.mark.parametrize("function", [special.xlogy, special.rel_entr], ids=lambda f: f.__name__)
@pytest.mark.parametrize("y", [0.0, 1.0])
def test_a_function_that_is_0_for_every_y_has_no_slope_there(function, y):
    assert jvp(function, (0.0, y), (0.0, 1.0))[1] == 0


def test_xlog1py_has_no_slope_where_it_is_0_for_every_y():
    assert jvp(special.xlog1py, (0.0, -1.0), (0.0, 1.0))[1] == 0
