"""Arguments that duals do not take, because something would be lost: errors instead of wrong numbers."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, derivative, gradient, hessian, hvp, jacobian, jvp

Z = np.array([1 + 2j, 0.5 - 1j])


@pytest.mark.parametrize(
    "call",
    [
        lambda: gradient(lambda z: np.sum(np.abs(z) ** 2))(Z),
        lambda: jacobian(np.conj)(Z),
        lambda: derivative(np.abs)(1 + 2j),
        lambda: hessian(lambda z: np.sum(z**3))(Z),
        lambda: hvp(lambda z: np.sum(z**3))(Z, Z),
    ],
)
def test_derivatives_at_complex_arguments_ask_for_a_promise(call):
    with pytest.raises(TypeError, match="holomorphic=True"):
        call()


def test_holomorphic_functions_have_complex_derivatives():
    np.testing.assert_allclose(gradient(lambda z: np.sum(z**3), holomorphic=True)(Z), 3 * Z**2)
    np.testing.assert_allclose(jacobian(np.exp, holomorphic=True)(Z), np.diag(np.exp(Z)))
    np.testing.assert_allclose(hessian(lambda z: np.sum(z**3), holomorphic=True)(Z), np.diag(6 * Z))
    np.testing.assert_allclose(hvp(lambda z: np.sum(z**3), holomorphic=True)(Z, Z), 6 * Z * Z)
    np.testing.assert_allclose(derivative(np.sin, holomorphic=True)(1 + 2j), np.cos(1 + 2j))


@pytest.mark.parametrize(
    "call", [lambda: gradient(np.sum, holomorphic=True)(np.ones(2)), lambda: derivative(np.abs, holomorphic=True)(1j)]
)
def test_a_promise_is_for_complex_arguments_and_results(call):
    with pytest.raises(TypeError, match="takes complex"):
        call()


MASKED = np.ma.array([1.0, 2, 3], mask=[0, 1, 0])


@pytest.mark.filterwarnings("ignore:the matrix subclass:PendingDeprecationWarning")
@pytest.mark.parametrize("make", [lambda: MASKED, lambda: np.asmatrix([[1.0, 2], [3, 4]])], ids=["masked", "matrix"])
def test_subclasses_of_arrays_are_refused(make):
    array = make()
    plain = DualTensor(np.ones(array.shape), np.ones(array.shape))
    calls = [
        lambda: jvp(np.sum, (array,), (np.ones(array.shape),)),
        lambda: gradient(np.sum)(array),
        lambda: DualTensor(array, np.ones(array.shape)),
        lambda: plain * array,
        lambda: plain + array,
        lambda: np.concatenate([plain, array]),
        lambda: np.where(array > 2, plain, array),
    ]
    for call in calls:
        with pytest.raises(TypeError, match=f"what a {type(array).__name__} adds"):
            call()


def test_a_file_mapped_into_memory_is_an_array(tmp_path):
    mapped = np.memmap(tmp_path / "x", np.float64, "w+", shape=3)
    mapped[:] = [1, 2, 3]
    assert gradient(np.prod)(mapped).tolist() == [6, 3, 2]


def test_a_leading_coefficient_of_zero_that_moves_is_not_left_out():
    assert jvp(lambda x: np.polymul(x * 0, [1.0, 2.0]), (np.ones(3),), (np.ones(3),))[1].shape == (2,)
    with pytest.raises(TypeError, match="leading coefficient"):
        gradient(lambda x: np.sum(np.polymul(x, [1.0, 2.0])))(np.array([0.0, 1.0]))


def test_insert_into_another_type_is_refused():
    x = DualTensor([1.0, 2.0], [1.0, 0.0])
    with pytest.raises(TypeError, match="would drop a derivative"):
        np.insert(np.arange(3), 1, x)
