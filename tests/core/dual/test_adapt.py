"""Programs of others run with duals, unmodified: their NumPy and math are replaced in a private copy."""

import functools
import math

import numpy as np
import pytest

from dualtrain.core.dual import adapt, derivative, gradient, jacobian
from tests.core.dual.programs import robot

X = np.array([0.3, -1.2])


def slopes(f, x, h=1e-6):
    return np.stack([(np.asarray(f(x + h * e)) - np.asarray(f(x - h * e))) / (2 * h) for e in np.eye(len(x))], axis=-1)


PROGRAMS = {
    "place": robot.place, "distance": robot.distance, "class": robot.of_class, "closure": robot.cubed,
    "partial": functools.partial(robot.recursive, depth=3), "table": functools.partial(robot.scaled, how="shape"),
    "method": robot.Arm().reach,
}  # fmt: skip


@pytest.mark.parametrize("name", PROGRAMS)
def test_programs_have_derivatives(name):
    program = PROGRAMS[name]
    with pytest.raises(TypeError):
        jacobian(program)(X)
    np.testing.assert_allclose(jacobian(adapt(program))(X), slopes(program, X), atol=1e-8)
    np.testing.assert_array_equal(adapt(program)(X), program(X))


def test_modules_and_classes():
    adapted = adapt(robot)
    np.testing.assert_allclose(jacobian(adapted.place)(X), slopes(robot.place, X), atol=1e-8)
    np.testing.assert_allclose(jacobian(adapted.Long().reach)(X), slopes(robot.Long().reach, X), atol=1e-8)
    np.testing.assert_allclose(jacobian(adapt(robot.Arm)((2.0, 1.0)).reach)(X), slopes(robot.Arm((2.0, 1.0)).reach, X))
    assert robot.np is np and robot.math is math and robot.rotation.__globals__["cos"] is math.cos
    assert adapted.Long.__mro__[1] is adapted.Arm and adapted.scaled(3.0) == 1.5


def test_second_derivatives_and_several_arguments():
    found = derivative(derivative(lambda t: adapt(robot.homogeneous)(t, t * t)[0]))(0.3)
    np.testing.assert_allclose(found, [-math.cos(0.3), math.sin(0.3), 2])


def test_math_of_duals():
    def f(x):
        values = [
            math.log(x[0], 2), math.hypot(x[0], 2.0, 1.0), math.dist([x[0], 1.0], (0.0, x[0])), math.gamma(x[0]),
            math.erf(x[0]), math.prod([x[0], 2, x[0]]), math.fsum([x[0], x[0]]), math.asinh(x[0]), math.cbrt(x[0]),
            math.remainder(7.5, x[0]), math.floor(x[0]), math.fmod(5.0, x[0]), math.lgamma(x[0]), math.degrees(x[0]),
        ]  # fmt: skip
        return np.array(values) if not math.isnan(x[0]) and math.isclose(x[0], x[0]) else None

    x = np.array([1.7])
    np.testing.assert_allclose(jacobian(adapt(f))(x), slopes(f, x), rtol=1e-7, atol=1e-8)
    with pytest.raises(ValueError, match="math domain error|expected a positive input"):
        gradient(adapt(lambda x: math.log(x[0])))(-x)
    assert type(adapt(lambda: math.sin(1.0))()) is float


def test_what_cannot_be_adapted():
    for value in (3, len, "text"):
        with pytest.raises(TypeError, match="a function, a class or a module"):
            adapt(value)
