"""The namespace in which arrays are made of duals: NumPy's values, types and errors, and the derivatives."""

import math

import numpy
import pytest

from dualtrain.core.dual import DualTensor, jacobian, jvp
from dualtrain.core.dual import numpy as np

X = numpy.array([0.3, -1.2, 0.7])


def filled(np, x):
    out = np.zeros((2, 2))
    out[0] = x[:2]
    out[1, 1] = 3.0
    return out


def homogeneous(np, x):
    matrix = np.eye(3)
    matrix[:2, 2] = x[:2]
    return matrix @ np.array([x[2], 1, 1])


def cases():
    """Programs as functions of the namespace and a vector."""
    yield "list", lambda np, x: np.array([x[0], 1.0, 2 * x[1]])
    yield "integers beside", lambda np, x: np.array([x[0], 1, 2])
    yield "nested", lambda np, x: np.linalg.det(np.array([[x[0], 1], [x[1], x[2]]]))
    yield "arrays in a list", lambda np, x: np.array([x, 2 * x, np.ones(3)])
    yield "tuple of arrays", lambda np, x: np.array((x[:2], x[1:]))
    yield "an array", lambda np, x: np.array(x) * np.asarray(x)
    yield "ndmin", lambda np, x: np.array(x, ndmin=2)
    yield "dtype", lambda np, x: np.array([x[0], 2], dtype=np.float32)
    yield "complex", lambda np, x: np.abs(np.array([x[0] + 1j * x[1], 1.0]))
    yield "one element", lambda np, x: np.array([x[0]])
    yield "asarray of a list", lambda np, x: np.asarray([x[1], x[0]])
    yield "contiguous", lambda np, x: np.ascontiguousarray(np.outer(x, x).T)
    yield "fortran", lambda np, x: np.asfortranarray(np.outer(x, x))
    yield "filled", filled
    yield "homogeneous", homogeneous
    yield "ones", lambda np, x: _assigned(np.ones(3), x)
    yield "empty_like", lambda np, x: _assigned(np.zeros_like(numpy.ones(3)), x)
    yield "copy of a constant", lambda np, x: _assigned(np.copy(numpy.ones(3)), x)
    yield "array of a constant", lambda np, x: _assigned(np.array([1.0, 2.0, 3.0]), x)
    yield "full", lambda np, x: np.full(3, x[0]) * np.full((3,), 2.0)
    yield "r_", lambda np, x: np.r_[x, 1.0, x[0], 0:2]
    yield "c_", lambda np, x: np.c_[x, x * x]
    yield "vectorize", lambda np, x: np.vectorize(lambda a: a * math.pi if a > 0 else 0.0)(x)
    yield "vectorize of two", lambda np, x: np.vectorize(lambda a, b: a * b)(x[:, None], x)
    yield "vectorize to a tuple", lambda np, x: np.vectorize(lambda a: (a, 2 * a))(x)[1]
    yield "fromiter", lambda np, x: np.fromiter((a * a for a in x), float)
    yield "fromfunction", lambda np, x: np.fromfunction(lambda i, j: i * x[0] + j, (2, 3))
    yield "ndenumerate", lambda np, x: sum(i[0] * a for i, a in np.ndenumerate(x))
    yield "sum of a list", lambda np, x: np.sum([x[0], x[1]])
    yield "ufunc of a list", lambda np, x: np.sin([x[0], x[1]])
    yield "ufunc method of a list", lambda np, x: np.add.reduce([x[0], x[1]])
    yield "mean of lists", lambda np, x: np.mean([[x[0], 1], [2, x[1]]], axis=0)
    yield "dot of lists", lambda np, x: np.dot([x[0], 2.0], [1.0, x[1]])
    yield "norm of a list", lambda np, x: np.linalg.norm([x[0], x[1]])
    yield "solve with lists", lambda np, x: np.linalg.solve([[2.0, x[0]], [x[1], 3.0]], [x[2], 1.0])
    yield "stack of lists", lambda np, x: np.stack([[x[0], x[1]], [1.0, x[2]]])
    yield "concatenate", lambda np, x: np.concatenate([x, [x[0], 1.0]])
    yield "where", lambda np, x: np.where([True, False, True], x, [1.0, x[0], 2.0])
    yield "select", lambda np, x: np.select([x > 0], [[x[0], x[0], x[0]]], 0.0)
    yield "interp", lambda np, x: np.interp([x[0], x[1]], [-2.0, 0.0, 2.0], [0.0, 1.0, 5.0])
    yield "einsum", lambda np, x: np.einsum("i,i->", [x[0], x[1], 1.0], x)
    yield "block", lambda np, x: np.block([[x[0], x[1]], [1.0, 2.0]])
    yield "fft of a list", lambda np, x: np.abs(np.fft.fft([x[0], x[1], 1.0]))
    yield "isinstance", lambda np, x: x * 2 if isinstance(x, np.ndarray) and np.isscalar(x[0]) else x
    yield "require", lambda np, x: np.require(x, requirements="C")
    yield "constants", lambda np, x: x * np.pi + np.arange(3)


def _assigned(array, x):
    array[0] = x[1]
    array[1:] *= x[0]
    return array


CASES = dict(cases())


@pytest.mark.parametrize("name", CASES)
def test_programs_give_numpys_values_and_their_derivatives(name):
    program, h = CASES[name], 1e-6
    value, tangent = jvp(lambda x: program(np, x), (X,), (numpy.ones(3),))
    expected = numpy.asarray(program(numpy, X))
    assert value.dtype == tangent.dtype == expected.dtype or expected.dtype.kind in "biu"
    numpy.testing.assert_allclose(value, expected, rtol=1e-6 if expected.dtype == numpy.float32 else 1e-13)
    if expected.dtype == numpy.float32:
        return
    slopes = (numpy.asarray(program(numpy, X + h)) - numpy.asarray(program(numpy, X - h))) / (2 * h)
    numpy.testing.assert_allclose(tangent, slopes, atol=1e-8)
    entries = jacobian(lambda x: program(np, x))(X)
    numpy.testing.assert_allclose(entries.sum(-1), slopes, atol=1e-8)


@pytest.mark.parametrize("name", CASES)
def test_without_a_derivative_the_results_are_plain(name):
    result = CASES[name](np, X)
    expected = CASES[name](numpy, X)
    assert type(result) is type(expected)
    numpy.testing.assert_array_equal(result, expected)


def test_second_derivatives_of_filled_arrays():
    def f(x):
        out = np.zeros(2)
        out[0] = x[0] ** 3
        out[1] = np.sum(np.array([x[0] * x[1], x[1] ** 2]))
        return out

    second = jacobian(jacobian(f))(X[:2])
    numpy.testing.assert_allclose(second[0], [[6 * X[0], 0], [0, 0]], atol=1e-14)
    numpy.testing.assert_allclose(second[1], [[0, 1], [1, 2]], atol=1e-14)


def test_an_array_that_is_never_assigned_a_dual_is_a_constant():
    value, tangent = jvp(lambda x: np.zeros(3), (X,), (numpy.ones(3),))
    assert type(value) is numpy.ndarray and not tangent.any()
    assert jvp(lambda x: np.ones(3) * x, (X,), (numpy.ones(3),))[1].tolist() == [1, 1, 1]


def test_like_is_numpys_way_to_the_same():
    def f(x):
        out = numpy.zeros(3, like=x)
        out[0] = x[1]
        return out + numpy.array([x[0], 1.0, x[2]], like=x)

    assert jacobian(f)(X).tolist() == [[1, 1, 0], [0, 0, 0], [0, 0, 1]]


def test_errors_are_numpys_or_say_what_would_be_lost():
    x = DualTensor([1.0, 2.0], [1.0, 0.0])
    with pytest.raises(TypeError, match="would drop the derivative"):
        np.array([x[0], 1], dtype=int)
    with pytest.raises(ValueError, match="inhomogeneous"):
        np.array([x, [x[0]]])
    with pytest.raises(TypeError, match="holds floats or complex numbers"):
        np.array([x[0], "text"])
    with pytest.raises(ValueError, match="makes a copy"):
        np.array([x[0]], copy=False)
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        np.nonsense  # noqa: B018
    assert {"array", "linalg"} <= set(dir(np)) and "inv" in dir(np.linalg) and repr(np.sin) == repr(numpy.sin)


def test_plain_numpy_names_the_namespace_in_its_refusals():
    for call in (lambda x: numpy.array([x[0], 1.0]), lambda x: numpy.asarray(x), lambda x: float(x[0])):
        with pytest.raises(TypeError, match="dualtrain.core.dual.numpy"):
            jvp(call, (X,), (X,))
    with pytest.raises(ValueError) as caught:
        jvp(lambda x: numpy.zeros(3).__setitem__(0, x[0]), (X,), (X,))
    assert "dualtrain.core.dual.numpy" in str(caught.value.__cause__)
