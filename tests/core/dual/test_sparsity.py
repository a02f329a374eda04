"""Sparse Jacobians: as dense ones, with as many directions as colors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from scipy import sparse

from dualtrain.core.dual import jacobian
from dualtrain.core.dual.sparsity import colored


def tridiagonal(x):
    return x**2 + np.pad(x[1:], (0, 1)) * 3 - np.pad(x[:-1] ** 3, (1, 0))


def band(n):
    places = np.arange(n)
    return np.abs(places[:, None] - places) <= 1


@pytest.mark.parametrize("chunk_size", [None, 1, 2])
def test_a_dense_pattern_gives_the_dense_jacobian(chunk_size):
    x = np.linspace(1, 2, 7)
    found = jacobian(tridiagonal, chunk_size=chunk_size, sparsity=band(7))(x)
    np.testing.assert_allclose(found, jacobian(tridiagonal)(x), atol=1e-14)


def test_a_sparse_pattern_gives_a_sparse_jacobian_from_three_directions():
    n = 10_000
    pattern = sparse.diags_array([np.ones(n - 1), np.ones(n), np.ones(n - 1)], offsets=[-1, 0, 1]).tocsr()
    pushed = []

    def f(x):
        pushed.append(x.tangent.shape)
        return tridiagonal(x)

    x = np.linspace(1, 2, n)
    found = jacobian(f, sparsity=pattern)(x)
    assert isinstance(found, sparse.csr_array) and found.nnz == 3 * n - 2
    np.testing.assert_allclose(found.diagonal(), 2 * x)
    np.testing.assert_allclose(found.diagonal(-1), -3 * x[:-1] ** 2)
    assert sorted(pushed) == [(3, n), (n,)]  # one more direction checks the pattern
    rows, columns = pattern.nonzero()
    assert colored(rows.tolist(), columns.tolist(), pattern.shape).max() == 2


def test_axes_of_inputs_and_outputs():
    x = np.arange(6.0).reshape(2, 3)
    found = jacobian(lambda x: np.sin(x)[:, None], sparsity=np.eye(6, dtype=bool))(x)
    np.testing.assert_allclose(found, jacobian(lambda x: np.sin(x)[:, None])(x))


@pytest.mark.parametrize("form", ["coo", "csr", "csc", "dia", "lil"])
def test_a_sparse_jacobian_has_the_format_of_its_pattern(form):
    x = np.linspace(1, 2, 7)
    found = jacobian(tridiagonal, sparsity=sparse.coo_array(band(7)).asformat(form))(x)
    assert found.format == form
    np.testing.assert_allclose(found.toarray(), jacobian(tridiagonal)(x), atol=1e-14)


def test_places_that_a_pattern_names_twice_count_once():
    twice = sparse.coo_array((np.ones(4), ([0, 0, 1, 1], [0, 0, 1, 1])), shape=(2, 2))
    np.testing.assert_allclose(jacobian(np.sin, sparsity=twice)(np.ones(2)).toarray(), np.eye(2) * np.cos(1))


def test_complex_inputs():
    x = np.linspace(1, 2, 5) + 0.5j
    expected = jacobian(tridiagonal, holomorphic=True)(x)
    np.testing.assert_allclose(jacobian(tridiagonal, sparsity=band(5), holomorphic=True)(x), expected, atol=1e-14)


def test_a_pattern_may_be_a_list_and_an_input_empty():
    assert jacobian(np.sin, sparsity=[[True]])(np.zeros(1)) == 1
    assert jacobian(np.sin, sparsity=np.ones((0, 0), bool))(np.zeros(0)).shape == (0, 0)


def test_patterns_that_do_not_fit_are_refused():
    with pytest.raises(ValueError, match="lacks entries of the Jacobian in row 0"):
        jacobian(tridiagonal, sparsity=np.eye(5, dtype=bool))(np.ones(5))
    for pattern in (np.eye(4, dtype=bool), np.ones(5, bool)):
        with pytest.raises(ValueError, match="needs 5 columns"):
            jacobian(tridiagonal, sparsity=pattern)(np.ones(5))
    for rows in (4, 6):
        with pytest.raises(ValueError, match="needs 5 rows"):
            jacobian(tridiagonal, sparsity=np.eye(rows, 5, dtype=bool))(np.ones(5))


@pytest.mark.parametrize("large", [1e12, np.inf, np.nan])
def test_a_large_row_does_not_hide_what_another_lacks(large):
    def f(x):
        return np.stack([large * x[0], x[0] + x[1]])

    with pytest.raises(ValueError, match="in row 1"):
        jacobian(f, sparsity=np.array([[1, 0], [1, 0]], bool))(np.ones(2))
    found = jacobian(f, sparsity=np.array([[1, 0], [1, 1]], bool))(np.ones(2))
    np.testing.assert_array_equal(found, [[large, 0], [1, 1]])


@given(arrays(bool, array_shapes(min_dims=2, max_dims=2, max_side=8)))
def test_no_two_columns_of_a_color_share_a_row(pattern):
    rows, columns = pattern.nonzero()
    colors = colored(rows.tolist(), columns.tolist(), pattern.shape)
    for color in set(colors.tolist()):
        assert pattern[:, colors == color].sum(axis=1).max() <= 1


@given(st.integers(1, 30))
def test_a_band_takes_three_colors(n):
    rows, columns = band(n).nonzero()
    assert colored(rows.tolist(), columns.tolist(), (n, n)).max() == min(n, 3) - 1


def test_a_pattern_is_detected():
    x = np.linspace(1, 2, 400)
    pushed = []

    def f(x):
        pushed.append(np.shape(getattr(x, "tangent", x))[:-1])
        return tridiagonal(x)

    slopes = jacobian(f, sparsity="detect")
    found = slopes(x)
    np.testing.assert_allclose(found.toarray(), jacobian(tridiagonal)(x), atol=1e-14)
    assert found.nnz < 3000 and sum(np.prod(front, dtype=int) for front in pushed) < 330
    pushed.clear()
    slopes(2 * x)
    assert sum(np.prod(front, dtype=int) for front in pushed) < 30


def test_a_detected_pattern_is_detected_again_where_it_lacks_entries():
    def f(x):
        return np.where(x > 0, x * x[::-1], x)

    slopes = jacobian(f, sparsity="detect")
    for x in (-np.ones(6), np.arange(1.0, 7), np.array([1.0, -1, 2, -2, 3, -3])):
        np.testing.assert_allclose(slopes(x).toarray(), jacobian(f)(x))
    assert jacobian(np.sum, sparsity="detect")(np.ones(3)).toarray().tolist() == [[1, 1, 1]]
    with pytest.raises(TypeError, match="not one array"):
        jacobian(lambda x: (x, x), sparsity="detect")(np.ones(3))
