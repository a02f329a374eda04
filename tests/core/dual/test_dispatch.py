"""Every function of NumPy's is in one group, and what a call without a rule says."""

import re

import numpy as np
import pytest
from numpy.testing.overrides import get_overridable_numpy_array_functions, get_overridable_numpy_ufuncs
from scipy import special

from dualtrain.core.dual import DualTensor, check_derivatives, jvp
from dualtrain.core.dual.rules import (
    ARRAY_TABLES,
    CONSTANT_FUNCTIONS,
    CONSTANT_UFUNCS,
    ELEMENTWISE,
    FUNCTIONS,
    REFUSED_FUNCTIONS,
    REFUSED_MODULES,
    REFUSED_UFUNCS,
    UFUNCS,
)

X = DualTensor([0.5, 2.0], [1.0, 3.0])


def public(function):
    """The function by its public name: those with `like=` have a twin that NumPy dispatches."""
    return getattr(np, function.__name__, function) if function.__module__ == "numpy" else function


def test_every_array_function_is_in_exactly_one_group():
    for function in map(public, get_overridable_numpy_array_functions()):
        groups = (FUNCTIONS, CONSTANT_FUNCTIONS, REFUSED_FUNCTIONS)
        count = sum(function in group for group in groups) + (function.__module__ in REFUSED_MODULES)
        assert count == 1, function


def test_every_ufunc_is_in_exactly_one_group():
    for ufunc in get_overridable_numpy_ufuncs():
        count = sum(ufunc in group for group in (ELEMENTWISE, UFUNCS, CONSTANT_UFUNCS, REFUSED_UFUNCS))
        works_on_floats = any("d" in types or "O" in types for types in ufunc.types) and ufunc.__name__ in vars(np)
        assert count == (1 if works_on_floats or count else 0), ufunc


def test_all_differentiable_ufuncs_are_there():
    assert len(ELEMENTWISE) + len(UFUNCS) >= 56


def test_tables_do_not_overlap():
    assert sum(len(table) for table in ARRAY_TABLES) == len(FUNCTIONS)


@pytest.mark.parametrize("function", REFUSED_FUNCTIONS, ids=lambda function: function.__name__)
def test_refused_functions_say_what_to_do(function):
    hint = re.escape(REFUSED_FUNCTIONS[function])
    with pytest.raises(TypeError, match=f"no derivative rule for numpy.*{function.__name__}: {hint}"):
        X.__array_function__(function, (DualTensor,), (X,), {})


@pytest.mark.parametrize("ufunc", sorted(REFUSED_UFUNCS, key=lambda ufunc: (ufunc.__name__, ufunc.types)))
def test_ufuncs_without_a_rule_are_refused(ufunc):
    with pytest.raises(TypeError, match=f"no derivative rule for numpy.{ufunc.__name__}"):
        ufunc(*[X] * ufunc.nin)


@pytest.mark.parametrize("ufunc", sorted(CONSTANT_UFUNCS, key=str), ids=lambda ufunc: ufunc.__name__)
def test_constant_ufuncs_give_plain_arrays(ufunc):
    found = ufunc(*[X] * ufunc.nin)
    assert type(found) is np.ndarray
    np.testing.assert_array_equal(found, ufunc(*[X.primal] * ufunc.nin))


CONSTANT_CALLS = {
    np.can_cast: lambda x: np.can_cast(x.dtype, x.dtype),
    np.argpartition: lambda x: np.argpartition(x, 1),
    np.searchsorted: lambda x: np.searchsorted(x, x),
    np.lexsort: lambda x: np.lexsort((x, x)),
    np.digitize: lambda x: np.digitize(x, [1.0]),
    np.diag_indices_from: lambda x: np.diag_indices_from(x[:, None] * x),
    np.tril_indices_from: lambda x: np.tril_indices_from(x[:, None] * x),
    np.triu_indices_from: lambda x: np.triu_indices_from(x[:, None] * x),
    np.einsum_path: lambda x: np.einsum_path("i,i", x, x),
    **{
        function: lambda x, function=function: function(x, x)
        for function in (np.allclose, np.isclose, np.array_equal, np.array_equiv, np.isin, np.shares_memory)
    },
    np.may_share_memory: lambda x: np.may_share_memory(x, x),
}


@pytest.mark.parametrize("function", sorted(CONSTANT_FUNCTIONS, key=str), ids=lambda function: function.__name__)
def test_constant_functions_give_what_they_give_for_the_value(function):
    call = CONSTANT_CALLS.get(function, function)
    assert str(call(X)) == str(call(X.primal))


def test_unknown_arguments_are_named():
    with pytest.raises(TypeError, match=r"no derivative rule for numpy\.median with method="):
        X.__array_function__(np.median, (DualTensor,), (X,), {"method": "linear"})
    with pytest.raises(TypeError, match=r"no derivative rule for numpy\.sin with dtype="):
        np.sin(X, dtype=float)
    with pytest.raises(TypeError, match=r"no derivative rule for numpy\.divide\.reduce"):
        np.divide.reduce(X)
    with pytest.raises(TypeError, match=r"no derivative rule for agm: "):
        special.agm(1.0, X)


def test_operands_of_other_libraries_are_left_to_them():
    class Other:
        __array_ufunc__ = None

        def __radd__(self, other):
            return "theirs"

    assert X + Other() == "theirs"


def test_lists_are_arrays():
    assert (X * [2, 3]).tangent.tolist() == [2, 9]


def test_out_and_where():
    def f(x, y):
        out = np.exp(x)
        result = np.multiply(x, y, out=out)
        assert result is out
        np.sin(y, out=out, where=np.arange(3) > 0)
        np.subtract(out, x, out=out)
        total = np.zeros_like(np.sum(x, axis=0))
        np.sum(x * y, axis=0, out=total)
        return out, total

    check_derivatives(f, *np.random.default_rng(0).normal(size=(2, 2, 3)))


def test_where_without_out_is_refused():
    with pytest.raises(TypeError, match="leaves the rest undefined"):
        np.sin(X, where=[True, False])


def test_a_constant_result_may_go_into_a_plain_array():
    out = np.zeros(2, bool)
    assert np.greater(X, 1, out=out) is out and out.tolist() == [False, True]


M, V = np.array([[2.0, 1.0], [1.0, 3.0]]), [1.0, 2.0]


@pytest.mark.parametrize(
    "call",
    [
        lambda x: np.linalg.solve(x, V),
        lambda x: np.linalg.vecdot(x, V),
        lambda x: np.linalg.matmul(x, [V, V]),
        lambda x: np.linalg.lstsq([V, [3.0, 1.0]], x)[0],
        lambda x: np.geomspace(V, x[0], 3),
    ],
)
def test_functions_of_two_arrays_take_lists(call):
    np.testing.assert_allclose(jvp(call, (M,), (np.eye(2),))[0], call(M), rtol=1e-12, atol=1e-14)
