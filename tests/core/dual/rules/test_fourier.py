"""Fourier transforms: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import check_derivatives
from dualtrain.core.dual.rules.fourier import MANY_AXES, ONE_AXIS, RULES, TWO_AXES

SHIFTS = ("fftshift", "ifftshift")


def parts(z):
    return np.real(z), np.imag(z)


@pytest.mark.parametrize("name", ONE_AXIS)
@pytest.mark.parametrize(
    ("shape", "options"), [((2, 3), {}), ((2, 3), {"n": 4}), ((4, 2), {"axis": 0, "norm": "ortho"})]
)
def test_along_one_axis(name, shape, options):
    check_derivatives(lambda x: parts(getattr(np.fft, name)(x, **options)), drawn(shape))


@pytest.mark.parametrize("name", TWO_AXES + MANY_AXES)
@pytest.mark.parametrize(("shape", "options"), [((3, 4), {}), ((3, 4), {"s": (4, 4)}), ((4, 3, 2), {"axes": (0, 1)})])
@pytest.mark.filterwarnings("ignore:`axes` should not be `None`:DeprecationWarning")
def test_along_several_axes(name, shape, options):
    check_derivatives(lambda x: parts(getattr(np.fft, name)(x, **options)), drawn(shape))


@pytest.mark.parametrize("name", SHIFTS)
@pytest.mark.parametrize("axes", [None, 0, (1,)])
def test_shifts(name, axes):
    check_derivatives(lambda x: getattr(np.fft, name)(x, axes=axes), drawn((3, 4)))


@pytest.mark.parametrize("name", ONE_AXIS + TWO_AXES + MANY_AXES + SHIFTS)
@pytest.mark.filterwarnings("ignore:`axes` should not be `None`:DeprecationWarning")
def test_float32(name, check_types):
    check_types(getattr(np.fft, name), drawn((4, 4)))


def test_spectrum_of_a_complex_signal():
    z = drawn((4,)) + 1j * drawn((4,))
    check_derivatives(lambda z: parts(np.fft.fft(z * z)), z)


def test_all_of_them():
    assert {function.__name__ for function in RULES} == {*ONE_AXIS, *TWO_AXES, *MANY_AXES, *SHIFTS}


def drawn(shape):
    return np.random.default_rng(7).normal(size=shape)
