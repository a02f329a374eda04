"""Every elementwise ufunc: against differences and the complex step, and its chosen values at edges."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import mutually_broadcastable_shapes

from dualtrain.core.dual import DualTensor, check_derivatives, jvp
from dualtrain.core.dual.engine import plain
from dualtrain.core.dual.rules.elementwise import RULES

POSITIVE, INSIDE, ABOVE = (0.3, 2.5), (-0.8, 0.8), (1.2, 3.0)
DOMAINS = {
    **dict.fromkeys((np.log, np.log2, np.log10, np.log1p, np.sqrt, np.cbrt, np.reciprocal), POSITIVE),
    **dict.fromkeys((np.divide, np.power, np.float_power, np.remainder, np.fmod, np.hypot), POSITIVE),
    **dict.fromkeys((np.arcsin, np.arccos, np.arctanh, np.tan), INSIDE),
    np.arccosh: ABOVE,
}
WHOLE_SECOND = {np.ldexp}  # the second argument is an integer
SMOOTH = [ufunc for ufunc, rule in RULES.items() if rule.holomorphic and any(t.startswith("D") for t in ufunc.types)]
NO_STEP = {np.heaviside, np.nextafter}  # 0 nearly everywhere, and a result that differences cannot resolve


def drawn(ufunc, shapes, seed):
    low, high = DOMAINS.get(ufunc, (-2.0, 2.0))
    rng = np.random.default_rng(seed)
    return [rng.uniform(low, high, shape) for shape in shapes]


@pytest.mark.parametrize("ufunc", sorted(RULES.keys() - NO_STEP, key=str), ids=lambda ufunc: ufunc.__name__)
@settings(max_examples=3, deadline=None, derandomize=True)
@given(data=st.data())
def test_derivatives_to_second_order(ufunc, data):
    count = 1 if ufunc in WHOLE_SECOND else ufunc.nin
    shapes = data.draw(mutually_broadcastable_shapes(num_shapes=count, max_dims=3, max_side=3)).input_shapes
    arguments = drawn(ufunc, shapes, data.draw(st.integers(0, 99)))
    if ufunc in WHOLE_SECOND:
        check_derivatives(lambda x: ufunc(x, 3), *arguments)
        return
    check_derivatives(ufunc, *arguments, tolerance=2e-5)


@pytest.mark.parametrize("ufunc", SMOOTH, ids=lambda ufunc: ufunc.__name__)
def test_first_derivatives_by_the_complex_step(ufunc):
    """f(x + ihv) has the imaginary part h·f'(x)v but for h³: no subtraction, so no round-off."""
    arguments = drawn(ufunc, [(2, 3)] * ufunc.nin, 3)
    for place in range(ufunc.nin):
        stepped = [x + 1e-30j if i == place else x for i, x in enumerate(arguments)]
        tangents = [np.ones_like(x) if i == place else np.zeros_like(x) for i, x in enumerate(arguments)]
        np.testing.assert_allclose(jvp(ufunc, arguments, tangents)[1], ufunc(*stepped).imag / 1e-30, rtol=1e-12)


@pytest.mark.parametrize("ufunc", SMOOTH, ids=lambda ufunc: ufunc.__name__)
def test_complex_derivatives(ufunc):
    arguments = [x + 0.2j for x in drawn(ufunc, [(2, 3)] * ufunc.nin, 4)]
    check_derivatives(ufunc, *arguments, tolerance=2e-5)


@pytest.mark.parametrize("ufunc", RULES, ids=lambda ufunc: ufunc.__name__)
def test_float32_stays_float32(ufunc):
    x = np.asarray(1.5 if ufunc is np.arccosh else 0.5, np.float32)
    others = [3] if ufunc in WHOLE_SECOND else [DualTensor(x, x)] * (ufunc.nin - 1)
    out = ufunc(DualTensor(x, x), *others)
    assert (out.primal.dtype, out.tangent.dtype) == (np.float64 if ufunc is np.float_power else np.float32,) * 2


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("number", [0, 0.0, -0.0, False, 2, -1, 0.55, np.float64(0)], ids=repr)
@pytest.mark.parametrize("ufunc", [u for u in RULES if u.nin == 2 and u is not np.ldexp], ids=lambda u: u.__name__)
def test_a_number_is_what_an_array_of_it_is(ufunc, number):
    array = np.asarray(number, float)
    for x in (DualTensor([1.0, 0.0], [[1.0, 0.0], [2.0, 3.0]]), DualTensor(0.0, 1.0)):
        for found, expected in ((ufunc(x, number), ufunc(x, array)), (ufunc(number, x), ufunc(array, x))):
            np.testing.assert_array_equal(plain(found), plain(expected))
            np.testing.assert_array_equal(getattr(found, "tangent", 0), getattr(expected, "tangent", 0))


@pytest.mark.parametrize("zero", [0, 0.0, 0j], ids=repr)
def test_a_tensor_over_a_number_0_is_infinite_as_in_numpy(zero):
    with pytest.warns(RuntimeWarning, match="divide by zero|invalid value"):
        found = DualTensor([1.0, 2.0], [3.0, -4.0]) / zero
    with np.errstate(all="ignore"):
        np.testing.assert_array_equal(found.primal, np.array([1.0, 2.0]) / zero)
    assert not np.any(np.isfinite(found.tangent))


@pytest.mark.parametrize(
    "ufunc", [u for u, r in RULES.items() if not (r.holomorphic or r.of_complex) and "D" in "".join(u.types)], ids=str
)
def test_complex_arguments_are_refused_where_no_complex_derivative_exists(ufunc):
    z = DualTensor(np.ones(2) + 1j, np.ones(2) + 0j)
    with pytest.raises(TypeError, match=f"{ufunc.__name__} has no complex derivative"):
        ufunc(*[z] * ufunc.nin)


# What a rule says where the textbook says nothing. Sources: Bertoin et al. 2021 for 0 at the kink of the modulus, as of
# relu; autograd and JAX for even shares of ties.
EDGES = [
    (np.absolute, [0.0], [1.0], 0.0),
    (np.maximum, [1.0, 1.0], [1.0, 0.0], 0.5),
    (np.minimum, [1.0, 1.0], [0.0, 1.0], 0.5),
    (np.fmax, [np.nan, 1.0], [0.0, 1.0], 1.0),
    (np.fmin, [1.0, np.nan], [1.0, 0.0], 1.0),
    (np.power, [0.0, 2.0], [1.0, 1.0], 0.0),
    (np.power, [0.0, 0.0], [1.0, 0.0], 0.0),
    (np.power, [-2.0, 3.0], [1.0, 0.0], 12.0),
    (np.sqrt, [0.0], [0.0], 0.0),
    (np.sqrt, [0.0], [1.0], np.inf),
    (np.cbrt, [0.0], [0.0], 0.0),
    (np.log, [np.inf], [1.0], 0.0),
    (np.arcsin, [1.0], [0.0], 0.0),
    (np.hypot, [0.0, 0.0], [1.0, 1.0], 0.0),
    (np.arctan2, [0.0, 0.0], [1.0, 1.0], 0.0),
    (np.logaddexp, [-np.inf, -np.inf], [1.0, 0.0], 0.0),
    (np.logaddexp, [1000.0, 0.0], [1.0, 0.0], 1.0),
    (np.logaddexp, [np.inf, 0.0], [1.0, 0.0], 1.0),
    (np.logaddexp, [np.inf, 0.0], [0.0, 1.0], 0.0),
    (np.logaddexp2, [np.inf, np.inf], [1.0, 0.0], 0.5),
    (np.fmod, [1.0, 0.1], [0.0, 1.0], -9.0),
    (np.remainder, [1.0, 0.1], [0.0, 1.0], -9.0),
    (np.tanh, [1000.0], [1.0], 0.0),
    (np.heaviside, [0.0, 0.5], [0.0, 1.0], 1.0),
    (np.nextafter, [1.0, 2.0], [1.0, 1.0], 1.0),
    (np.copysign, [2.0, -3.0], [1.0, 1.0], -1.0),
]


@pytest.mark.parametrize(("ufunc", "arguments", "tangents", "expected"), EDGES)
def test_edges(ufunc, arguments, tangents, expected):
    """Alone, and as one of two elements along two directions."""
    assert jvp(ufunc, arguments, tangents)[1] == expected
    arrays = [np.array([x, 0.7]) for x in arguments]
    many = [np.array([[t, 0.0], [0.0, 1.0]]) for t in tangents]
    assert jvp(ufunc, arrays, many)[1][0].tolist() == [expected, 0.0]


# Slopes that a formula may lose to rounding, overflow or underflow though they are numbers.
SMALL_AND_LARGE = [
    (np.expm1, [-50.0], [1.0], math.exp(-50)),
    (np.arcsinh, [1e200], [1.0], 1e-200),
    (np.arcsinh, [-1e200], [1.0], 1e-200),
    (np.arcsin, [1 - 2**-40], [1.0], 1 / math.sqrt(2**-40 * (2 - 2**-40))),
    (np.arccos, [2**-40 - 1], [1.0], -1 / math.sqrt(2**-40 * (2 - 2**-40))),
    (np.arctanh, [1 - 2**-40], [1.0], 1 / (2**-40 * (2 - 2**-40))),
    (np.arccosh, [1 + 2**-40], [1.0], 1 / math.sqrt(2**-40 * (2 + 2**-40))),
    (np.arctan2, [1e200, 1e200], [1.0, 0.0], 0.5e-200),
    (np.arctan2, [1e-200, 1e-200], [0.0, 1.0], -0.5e200),
]


@pytest.mark.parametrize(("ufunc", "arguments", "tangents", "expected"), SMALL_AND_LARGE)
def test_slopes_keep_their_digits(ufunc, arguments, tangents, expected):
    assert jvp(ufunc, arguments, tangents)[1] == pytest.approx(expected, rel=1e-14, abs=0)


def test_the_modulus_of_complex_numbers():
    z = np.array([1 + 2j, -0.3j, 3.0, 1e200 + 1e200j])
    check_derivatives(np.abs, z[:3])
    found = np.abs(DualTensor(z, z))
    np.testing.assert_array_equal(found.primal, np.abs(z))
    np.testing.assert_allclose(found.tangent, np.abs(z), rtol=1e-15)
    assert jvp(np.abs, (0j,), (1 + 1j,))[1] == 0
