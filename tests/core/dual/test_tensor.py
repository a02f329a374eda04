"""Dual tensors: making them, in place, methods, and what is refused."""

import copy
import math
import pickle

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives, jvp
from tests.core.dual.squares import X, dual, is_square


def test_integers_become_float64_and_float32_stays():
    assert DualTensor([1, 2], [3, 4]).tangent.dtype == np.float64
    x = DualTensor(np.ones(2, np.float32), np.ones(2))
    assert x.dtype == x.tangent.dtype == np.float32
    assert (2 * x + 1).tangent.dtype == np.float32


@pytest.mark.parametrize("real", ["text", np.array([object()]), np.array(["2020-01-01"], "M8[D]")])
def test_other_types_are_refused(real):
    with pytest.raises(TypeError, match="a dual holds floats or complex numbers"):
        DualTensor(real, 1.0)


def test_a_tangent_of_another_shape_is_refused():
    with pytest.raises(ValueError, match=r"a tangent of shape \(2,\) does not fit a value of shape \(3,\)"):
        DualTensor(np.ones(3), np.ones(2))


@pytest.mark.parametrize("axes", [(), (2,)])
def test_a_tangent_in_the_memory_of_its_value_is_copied(axes):
    rows = np.ones((*axes, 3))
    value = rows[0] if axes else rows
    x = DualTensor(value, rows)
    x += 10
    assert x.primal.tolist() == value.tolist() == [11, 11, 11]
    assert x.tangent.tolist() == np.ones((*axes, 3)).tolist()
    apart = DualTensor(value, tangent := np.ones(3))
    assert apart.primal is value and apart.stored_tangent is tangent


def test_a_scalar_that_is_added_to():
    def f(x):
        total = x[0]
        for element in x:
            total += element * element
        return total, x

    check_derivatives(f, np.array([0.7, 1.3]))
    check_derivatives(lambda x: (x := x) and x * x, 1.5)


def test_arguments_of_jvp_cannot_be_overwritten():
    x = np.ones(3)

    def f(x):
        x[0] = 2.0
        return x

    with pytest.raises(ValueError, match="read-only"):
        jvp(f, (x,), (x,))


def test_results_do_not_share_tangents_with_arguments():
    x = dual(np.ones(3))
    y = x + 1
    z = np.positive(x)
    y[0] = 7.0
    z[1] = 7.0
    assert is_square(x)


@pytest.mark.parametrize(
    "convert",
    [float, int, complex, math.exp, np.asarray, np.array],
)
def test_conversions_that_drop_the_derivative_are_refused(convert):
    with pytest.raises(TypeError, match=r"would drop its derivative.*\.primal"):
        convert(DualTensor(1.0, 1.0))


def test_a_plain_array_refuses_duals():
    buffer = np.zeros(2)
    with pytest.raises(ValueError, match="setting an array element") as refused:
        buffer[0] = DualTensor(1.0, 1.0)
    assert "assign into np.zeros_like(dual)" in str(refused.value.__cause__)
    with pytest.raises(TypeError, match="would drop its derivative"):
        np.array([DualTensor(1.0, 1.0)] * 2)
    with pytest.raises(TypeError, match="a plain array would drop"):
        np.sin(dual(np.ones(2)), out=buffer)
    with pytest.raises(TypeError, match="an index cannot be a dual"):
        dual()[DualTensor(1.0, 1.0)]
    with pytest.raises(TypeError, match="tolist"):
        dual().tolist()


def test_comparisons_are_plain_and_by_value():
    x = dual(np.array([1.0, 2.0]))
    assert type(x == 1) is np.ndarray and (x == [1, 3]).tolist() == [True, False]
    assert (x < 2).tolist() == [True, False]
    assert bool(DualTensor(2.0, 0.0)) and not DualTensor(0.0, 1.0)
    with pytest.raises(TypeError, match="unhashable"):
        hash(x)


@pytest.mark.parametrize("other", [None, "a", {}, object(), [1, None], np.ones((2, 1))], ids=type)
@pytest.mark.parametrize("real", [np.array([1.0, 2.0]), np.array(1.0), np.float64(1.0)], ids=repr)
def test_comparisons_with_anything_are_numpys(real, other):
    x = dual(real)
    for found, expected in (
        (x == other, x.primal == other),
        (x != other, x.primal != other),
        (other == x, other == x.primal),
    ):
        np.testing.assert_array_equal(found, expected, strict=True)


def test_what_is_in_a_tensor():
    x = dual(np.array([[1.0, 2.0], [3.0, 4.0]]))
    assert 3.0 in x and x[1, 0] in x and 5.0 not in x and None not in x
    with pytest.raises(ValueError, match="shape"):
        x == [1, 2, 3]  # noqa: B015


def test_copies_and_pickles():
    x = dual()
    for other in (copy.copy(x), copy.deepcopy(x), pickle.loads(pickle.dumps(x)), x.copy(), np.copy(x)):
        assert is_square(other) and np.array_equal(other.primal, X)
        other[0] = 0
    assert np.array_equal(x.primal, X)
    with pytest.raises(TypeError, match="cannot be pickled"):
        jvp(pickle.dumps, (1.0,), (1.0,))


def test_methods_are_numpys_functions():
    x = dual(np.array([[3.0, 1.0, 2.0], [6.0, 5.0, 4.0]]))
    for name in ("ravel", "flatten", "squeeze", "diagonal", "copy"):
        assert is_square(getattr(x, name)())
    assert is_square(x.reshape(3, 2)) and is_square(x.reshape((6,), order="F")) and is_square(x.T)
    assert is_square(x.transpose(1, 0)) and is_square(x.swapaxes(0, 1)) and is_square(x.take([1, 1], axis=1))
    assert is_square(x.max(axis=0)) and is_square(x.min()) and is_square(x.item(4)) and is_square(x.item(0, 1))
    assert x.argmax() == 3 and x.argsort(axis=1).tolist() == [[1, 2, 0], [2, 1, 0]]
    assert x.sum().primal == 21 and x.mean(axis=1).primal.tolist() == [2, 5] and x.astype(int).tolist()[0] == [3, 1, 2]
    assert x.astype(np.float32).tangent.dtype == np.float32
    assert [is_square(row) for row in x] == [True, True] and len(x) == 2
    x.sort(axis=1)
    assert is_square(x) and x.primal[1].tolist() == [4, 5, 6]
    for options in ({"kind": "stable"}, {"stable": True}):
        x[...] = x[:, ::-1].copy()
        x.sort(**options)
        assert is_square(x) and x.primal[1].tolist() == [4, 5, 6]
    x.partition(1, axis=0)
    assert is_square(x) and np.all(x.primal[0] <= x.primal[1])
    x.fill(2.0)
    assert not x.tangent.any()


def test_attributes_are_those_of_the_value():
    x = dual(X.astype(np.float32))
    assert (x.itemsize, x.nbytes) == (x.primal.itemsize, x.primal.nbytes)
    assert is_square(x.mT) and np.array_equal(x.mT.primal, x.primal.mT)
    with pytest.raises(ValueError, match="axis|ndim"):
        assert x[0, 0].mT


DEVICES = {"device", "to_device"}  # of the array API, which NumPy's namespace for duals is not


@pytest.mark.parametrize("name", sorted({name for name in dir(np.ndarray) if not name.startswith("_")} - DEVICES))
def test_every_attribute_of_arrays_is_there_or_says_what_to_do(name):
    x = dual()
    if not hasattr(x, name):
        with pytest.raises(AttributeError, match=rf"a DualTensor has no \.{name}, unlike an array: \w+"):
            getattr(x, name)


def test_real_and_imaginary_parts_carry_their_tangents_and_are_views():
    z = DualTensor([1 + 2j, 3 + 4j], [5 + 6j, 7 + 8j])
    z.real *= 2
    z.imag = DualTensor([0.0, 1.0], [2.0, 3.0])
    assert z.primal.tolist() == [2, 6 + 1j] and z.tangent.tolist() == [10 + 2j, 14 + 3j]
    x = DualTensor([1.0, -2.0], [3.0, 4.0])
    x.real[x.real < 0] = 0
    assert x.primal.tolist() == [1, 0] and x.tangent.tolist() == [3, 0]
    assert not np.any(x.imag)
