"""SciPy's special functions: to second order against differences."""

import numpy as np
import pytest
from scipy import special

from core.dual import check_derivatives
from core.dual.rules.special import RULES

FIRST_IS_CONSTANT = {special._ufuncs._zeta, special.iv, special.jv}


@pytest.mark.parametrize("function", RULES, ids=lambda function: function.__name__)
def test_derivatives_to_second_order(function):
    x = np.random.default_rng(0).uniform(0.2, 0.8, (2, 3))
    if function in FIRST_IS_CONSTANT:
        check_derivatives(lambda x: function(1.5, x + 1), x)
        return
    check_derivatives(function, *[x, x.T.reshape(2, 3)][: function.nin])


@pytest.mark.parametrize("function", [f for f in RULES if f not in FIRST_IS_CONSTANT], ids=lambda f: f.__name__)
def test_float32(function, check_types):
    check_types(function, *np.random.default_rng(0).uniform(0.2, 0.8, (function.nin, 3)))


def test_an_unknown_special_function_is_refused():
    with pytest.raises(TypeError, match=r"no derivative rule for .*ellipk"):
        check_derivatives(special.ellipk, 0.5)
