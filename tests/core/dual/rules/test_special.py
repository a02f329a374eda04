"""SciPy's special functions: to second order against differences."""

import math

import numpy as np
import pytest
from scipy import special

from dualtrain.core.dual import DualNumber, check_derivatives, derivative, jvp
from dualtrain.core.dual.rules.special import RULES, SEVERAL_RESULTS

INTEGERS = {"yn", "kn", "expn", "eval_hermite", "eval_hermitenorm"}  # whose order SciPy takes as an integer
ONCE = {"elliprf"}  # whose derivative is a function without a rule


def fixed(function):
    """The arguments that have no derivative, by their places."""
    if function.__name__ == "_lambertw":
        return {1: 0, 2: 1e-8}
    value = 2 if function.__name__ in INTEGERS else 1.5
    partials = enumerate(RULES[function].partials)
    return {i: value for i, partial in partials if getattr(partial, "__name__", "") == "refuse"}


def free(function, arguments):
    """The function of its differentiable arguments, and these."""
    constants = fixed(function)

    def call(*free):
        rest = iter(free)
        return function(*(constants[i] if i in constants else next(rest) for i in range(function.nin)))

    return call, arguments[: function.nin - len(constants)]


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", RULES, ids=lambda function: function.__name__)
def test_derivatives_to_second_order(function):
    x = np.random.default_rng(0).uniform(0.2, 0.8, (2, 3))
    x = x + 1 if function.__name__ in ("_zeta", "yv", "kv", "hankel1", "hankel2") else x
    call, arguments = free(function, [x, x.T.reshape(2, 3), 1.1 - 0.5 * x[::-1]])
    check_derivatives(call, *arguments, order=1 if function.__name__ in ONCE else 2)


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("function", [f for f in RULES if not fixed(f)], ids=lambda f: f.__name__)
def test_float32(function, check_types):
    if function.__name__ not in ONCE:
        check_types(function, *np.random.default_rng(0).uniform(0.2, 0.8, (function.nin, 3)))


@pytest.mark.parametrize("function", SEVERAL_RESULTS, ids=lambda function: function.__name__)
def test_functions_with_several_results(function):
    x = np.random.default_rng(0).uniform(0.2, 0.8, (2, 3))
    check_derivatives(lambda x: function(x, 0.3) if function is special.ellipj else function(x), x)


def test_derivatives_at_special_points():
    assert derivative(special.rgamma)(-2.0) == pytest.approx(2)
    assert derivative(special.ellipk)(0.0) == pytest.approx(math.pi / 8)
    assert derivative(special.exprel)(0.0) == 0.5 and derivative(special.spence)(1.0) == -1
    assert derivative(lambda power: special.boxcox(2.0, power))(0.0) == pytest.approx(math.log(2) ** 2 / 2)
    assert derivative(lambda power: special.inv_boxcox(2.0, power))(0.0) == pytest.approx(-2 * math.exp(2))
    assert derivative(lambda x: special.eval_legendre(3, x))(1.0) == pytest.approx(6)
    assert derivative(special.lambertw)(0.0).real == 1
    with np.errstate(divide="ignore"):
        assert derivative(special.sici)(0.0)[0] == 1
    assert derivative(lambda x: special.gammasgn(x) * x)(-0.5) == -1


def test_an_unknown_special_function_is_refused():
    with pytest.raises(TypeError, match=r"no derivative rule for .*agm"):
        check_derivatives(special.agm, 0.5, 0.7)


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
