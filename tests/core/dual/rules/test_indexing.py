"""Indices of every kind pick the tangents of what they pick."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays, basic_indices, integer_array_indices

from tests.core.dual.squares import INDICES, X, dual, is_square


@pytest.mark.parametrize("index", INDICES, ids=str)
@pytest.mark.parametrize("axes", [(), (2,), (3,), (3, 2)])
def test_every_kind_of_index(index, axes):
    found = dual(axes=axes)[index]
    np.testing.assert_array_equal(found.primal, X[index])
    assert is_square(found, axes)


@st.composite
def mixed_indices(draw, shape):
    """Numbers and arrays with and without axes, slices, masks and truth values, in any order."""
    parts = []
    for size in shape:
        i = draw(st.integers(0, size - 1))
        forms = i, np.int64(i), np.array(i), [i, 0], [[i]], np.arange(size) == i, slice(i, None)
        parts.append(draw(st.sampled_from(forms)))
    start, stop = sorted(draw(st.integers(0, len(shape))) for _ in range(2))
    parts[start:stop] = draw(st.sampled_from([[...], parts[start:stop]]))
    for part in draw(st.lists(st.sampled_from([None, True, np.True_, np.array(True)]), max_size=2)):
        parts.insert(draw(st.integers(0, len(parts))), part)
    return tuple(parts)


@settings(deadline=None)
@given(data=st.data())
def test_drawn_indices(data):
    shape = data.draw(array_shapes(max_dims=4, max_side=4))
    real = data.draw(arrays(np.float64, shape, elements=st.integers(-9, 9).map(float)))
    index = data.draw(basic_indices(shape, allow_newaxis=True) | integer_array_indices(shape) | mixed_indices(shape))
    axes = data.draw(st.sampled_from([(), (3,), (1, 2)]))
    found = dual(real, axes)[index]
    np.testing.assert_array_equal(found.primal, real[index])
    assert is_square(found, axes)
