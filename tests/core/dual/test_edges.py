"""Edges: without elements, directions or numbers, a dual gives the value, the warnings and the errors of its value."""

import warnings

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor
from dualtrain.core.dual.engine import Dual
from tests.core.dual.likeness import X, compare, dual

EDGES = {
    "empty": np.zeros(0),
    "no rows": np.zeros((0, 3)),
    "no columns": np.zeros((3, 0)),
    "one": np.array([2.0]),
    "a row": X[0],
    "rows": np.array([[1.0, 4.0, -1.0], [5.0, 2.0, 3.0]]),
    "some NaN": np.array([[3.0, np.nan, 1.0, 2.0, 4.0], [5.0, 6.0, 2.0, 1.0, -1.0]]),
    "all NaN": np.full(3, np.nan),
}


REDUCED = [
    f"np.{function}(x{options})"
    for functions, several in (
        ("sum prod max min mean nansum nanprod nanmax nanmin nanmean ptp", ("", ", axis=-1")),
        ("sum prod max min", (", axis=()", ", axis=0, initial=1.0, keepdims=True", ", where=x > 2, initial=3")),
        ("max min nanmax", (", where=x > 1", ", where=x > 9, initial=2", ", axis=-1, initial=9.0")),
        ("mean var std", (", where=x > 2", ", axis=-1, where=x > 2", ", dtype=np.float32")),
        ("var std", (", ddof=3",)),
        ("var std nanvar nanstd", ("", ", ddof=1", ", axis=-1, ddof=1")),
        ("median nanmedian", ("", ", axis=-1, keepdims=True")),
        ("quantile nanquantile", (", 0.3", ", [[0.3], [0.6]], axis=-1", ", [0.1, 0.4], axis=0, keepdims=True")),
        ("cumsum cumprod maximum.accumulate cumulative_sum", (", axis=-1",)),
        ("cumulative_sum cumulative_prod", (", axis=-1, include_initial=True",)),
        ("add.reduce maximum.reduce", ("",)),
    )
    for function in functions.split()
    for options in several
] + [
    f"np.{function}(np.sum(x), axis={axis})" for function in ("sum", "prod", "max", "ptp", "var") for axis in (0, -1, 1)
]


def outcome(text, x):
    """The result of an expression in x, whether it warned, and the type of its error."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        try:
            return eval(text, {"np": np, "x": x}), {warning.category for warning in told}, None
        except Exception as error:
            return (), None, type(error)


def compare_outcomes(text, x, axes):
    """The result with as many directions as the axes have, the warnings and the error are those of the value."""
    found, *told = outcome(text, DualTensor(x, np.ones(axes + x.shape)))
    expected, *wanted = outcome(text, x)
    assert told == wanted
    compare(found, expected)
    tangents = [
        part.tangent for part in (found if isinstance(found, tuple | list) else [found]) if isinstance(part, Dual)
    ]
    assert all(tangent.shape[: len(axes)] == axes for tangent in tangents)


@pytest.mark.parametrize("text", REDUCED)
@pytest.mark.parametrize("edge", EDGES)
def test_reductions_at_edges(text, edge):
    for axes in ((), (2,), (0,), (2, 0)):
        compare_outcomes(text, EDGES[edge], axes)


def test_the_largest_of_no_elements_and_a_bound_that_is_a_dual_is_the_bound():
    found = np.max(dual(X)[:0], initial=DualTensor(1.0, 3.0))
    assert found.primal == 1 and found.tangent.tolist() == [3, 3]


def test_running_extrema_and_quantiles_pass_nan_on_as_numpy_does():
    x = dual(np.array([1.0, np.nan, 3.0, 0.0, 2.0]))
    for function in (np.median, np.maximum.accumulate, np.minimum.accumulate):
        compare(function(x), function(x.primal))


EMPTY = [
    "x @ x.T", "x.T @ x", "np.dot(x, x.T)", "np.inner(x, x)", "np.tensordot(x, x)", "np.outer(x, x)",
    "np.einsum('ij,kj', x, x)", "np.einsum('...i,...i->...', x, x)", "np.reshape(x, x.shape[::-1], order='F')",
    "np.ravel(x, 'F')", "np.diagflat(x)", "np.linalg.multi_dot([x, x.T, x])",
    "np.apply_along_axis(np.sum, 0, x)", "np.linalg.inv(x[:0, :0])", "np.linalg.solve(x[:0, :0], x[:0])",
    "np.linalg.tensorsolve(x[:0, :0], x[:0, 0])", "np.polyint(np.ravel(x))",
    "np.bincount(np.zeros(np.size(x), int), np.ravel(x))", "np.polyder(np.ravel(x))", "np.diag(np.ravel(x))",
    "np.convolve(np.ravel(x), [1.0, 2.0])", "np.roots(np.ravel(x))", "np.add.reduceat(x, [0])",
]  # fmt: skip


@pytest.mark.parametrize("text", EMPTY)
@pytest.mark.parametrize("shape", [(0, 3), (3, 0), (0, 0), (2, 3)], ids=str)
def test_no_elements_and_no_directions(text, shape):
    for axes in ((), (2,), (0,), (2, 0)):
        compare_outcomes(text, np.ones(shape), axes)
