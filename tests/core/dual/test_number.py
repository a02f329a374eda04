"""Dual numbers: the algebra, the extension of functions, and what is refused."""

import copy
import math
import pickle
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualtrain.core.dual import DualNumber, DualTensor, eps

NUMBERS = st.floats(-3, 3).map(lambda x: round(x, 3))
DUALS = st.builds(DualNumber, NUMBERS, NUMBERS)


def close(a, b):
    return math.isclose(a.primal, b.primal, abs_tol=1e-9) and math.isclose(
        a.tangent, b.tangent, rel_tol=1e-9, abs_tol=1e-8
    )


def test_the_square_of_eps_is_0():
    assert eps * eps == 0
    assert eps**2 == DualNumber(0, 0)


def test_arithmetic_with_numbers_on_either_side():
    x = DualNumber(2, 3)
    assert x + 1 == 1 + x == DualNumber(3, 3)
    assert x - 1 == DualNumber(1, 3)
    assert 1 - x == DualNumber(-1, -3)
    assert 2 * x == x * 2 == DualNumber(4, 6)
    assert x / 2 == DualNumber(1, 1.5)
    assert 6 / x == DualNumber(3, -4.5)
    assert x**3 == DualNumber(8, 36)
    assert close(2**x, DualNumber(4, 12 * math.log(2)))
    assert -x == DualNumber(-2, -3) and +x == x and abs(-x) == x
    x += 1
    assert x == DualNumber(3, 3)


@given(DUALS, DUALS, DUALS)
def test_a_commutative_ring(x, y, z):
    assert x + y == y + x and x * y == y * x
    assert close((x + y) * z, x * z + y * z)
    assert close((x * y) * z, x * (y * z))


@given(DUALS, st.lists(NUMBERS, min_size=1, max_size=5))
def test_polynomials(x, coefficients):
    """p(a + bε) = p(a) + p'(a)bε."""
    p = np.polynomial.Polynomial(coefficients)
    found = sum((c * x**k for k, c in enumerate(coefficients) if k), start=DualNumber(coefficients[0], 0))
    assert close(found, DualNumber(p(x.primal), p.deriv()(x.primal) * x.tangent))


FUNCTIONS = st.sampled_from([(np.sin, np.cos), (np.exp, np.exp), (np.arctan, lambda x: 1 / (1 + x * x))])


@given(DUALS, FUNCTIONS, FUNCTIONS)
def test_the_extension_respects_sums_products_and_composition(x, first, second):
    (f, df), (g, dg) = first, second
    a, b = x.primal, x.tangent
    assert close(f(x) + g(x), DualNumber(f(a) + g(a), (df(a) + dg(a)) * b))
    assert close(f(x) * g(x), DualNumber(f(a) * g(a), (df(a) * g(a) + f(a) * dg(a)) * b))
    assert close(f(g(x) / 4), DualNumber(f(g(a) / 4), df(g(a) / 4) * dg(a) / 4 * b))


@given(NUMBERS)
def test_a_composite_by_its_value_at_x_plus_eps(a):
    x = a + eps
    found = 3 * np.exp(np.sin(x)) + np.sin(x) ** 2
    assert math.isclose(found.tangent, 3 * math.exp(math.sin(a)) * math.cos(a) + math.sin(2 * a), abs_tol=1e-9)


@pytest.mark.parametrize(
    "divide",
    [
        lambda: 1 / eps,
        lambda: DualNumber(1, 1) / 0,
        lambda: DualNumber(1, 1) / DualNumber(0, 2),
        lambda: eps**-1,
        lambda: np.power(eps, -1),
        lambda: np.float_power(eps, -1),
        lambda: eps ** DualNumber(-1, 2),
        lambda: np.float_power(eps, -1 + 2j),
        lambda: np.reciprocal(eps),
        lambda: DualNumber(1, 0) % eps,
        lambda: DualNumber(1, 0) // eps,
    ],
)
def test_a_multiple_of_eps_has_no_inverse(divide):
    with pytest.raises(ZeroDivisionError, match="has no inverse: its primal is 0"):
        divide()


def test_tensors_divide_as_numpy_does():
    with np.errstate(divide="ignore", invalid="ignore"):
        for inverse in (lambda x: 1 / x, lambda x: x**-1, lambda x: np.float_power(x, -1), np.reciprocal):
            assert np.isinf(inverse(DualTensor([0.0], [1.0])).primal[0])
            assert np.isinf(inverse(DualTensor(0.0, 1.0)).primal)


def test_complex_powers():
    found = DualNumber(2, 3) ** (1 - 2j)
    assert found.primal == 2 ** (1 - 2j) and np.isclose(found.tangent, (1 - 2j) * 2**-2j * 3)


def test_equal_when_both_parts_are():
    assert DualNumber(1, 2) == DualNumber(1, 2) != DualNumber(1, 3)
    assert DualNumber(1, 0) == 1 and DualNumber(1, 1) != 1
    assert hash(DualNumber(1, 0)) == hash(1) and len({DualNumber(1, 2), DualNumber(1, 2), DualNumber(1, 3)}) == 2
    assert bool(eps) and not DualNumber(0, 0)
    assert DualNumber(1, 5) < 2 and DualNumber(1, 5) <= DualNumber(1, 0)


@pytest.mark.parametrize("other", [None, "a", object(), {}, Fraction(3, 2), Decimal(1), np.str_("a")], ids=type)
def test_what_is_no_dual_number_is_not_equal(other):
    x = DualNumber(1, 2)
    assert bool(x == other) is False and x != other and other != x
    assert x not in [other] and x in [other, DualNumber(1, 2)]


def test_other_numbers_are_equal_without_a_tangent():
    assert DualNumber(1.5, 0) == Fraction(3, 2) == DualNumber(1.5) != Decimal(1)
    assert len({DualNumber(1.5), Fraction(3, 2)}) == 1


def test_numbers_and_arrays_are_compared_by_value_as_numpys_are():
    assert (DualNumber(1, 2) == np.array([1.0, 2.0])).tolist() == [True, False]
    assert (DualNumber(1, 2) != [1.0, 2.0]).tolist() == [False, True]
    assert (DualTensor([1.0, 2.0], [0.0, 0.0]) == DualNumber(1, 2)).tolist() == [True, False]


def test_a_nest_of_dual_numbers():
    x = DualNumber(DualNumber(2, 1), DualNumber(1, 0))
    assert x.primal == DualNumber(2, 1)
    assert (DualTensor(3.0, 1.0) * eps).shape == ()


def test_real_and_imag_keep_the_derivative():
    for z in (DualNumber(1 + 2j, 3 + 4j), DualTensor([1 + 2j], [3 + 4j])):
        assert z.primal == 1 + 2j and not isinstance(z.primal, type(z))
        for real, imag in ((z.real, z.imag), (np.real(z), np.imag(z))):
            assert (real.primal, real.tangent, imag.primal, imag.tangent) == (1, 3, 2, 4)


def test_an_array_of_numbers_makes_a_tensor():
    found = np.array([1.0, 2.0]) * DualNumber(3, 1)
    assert isinstance(found, DualTensor)
    np.testing.assert_array_equal(found.tangent, [1, 2])
    np.testing.assert_array_equal(np.stack([eps, 2 * eps]).tangent, [1, 2])


@pytest.mark.parametrize("convert", [float, int, complex, math.sin, np.asarray, lambda x: np.array([x, x])])
def test_conversions_that_drop_the_derivative_are_refused(convert):
    with pytest.raises(TypeError, match="would drop its derivative"):
        convert(eps)


def test_the_parts_are_numbers():
    with pytest.raises(ValueError, match="use DualTensor"):
        DualNumber([1.0], [2.0])


def test_copies():
    x = DualNumber(1.5, 2)
    assert copy.copy(x) == copy.deepcopy(x) == pickle.loads(pickle.dumps(x)) == x
    assert repr(x) == "DualNumber(1.5, 2.0)"
