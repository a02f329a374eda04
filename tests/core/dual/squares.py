"""Duals whose tangents are the squares of their values, and indices of all kinds."""

import math

import numpy as np

from dualtrain.core.dual import DualTensor

X = np.arange(24.0).reshape(2, 3, 4)


def dual(real=X, axes=(2,)):
    """A dual whose tangent along direction k is (k + 1) times the square of its value."""
    scale = np.reshape(np.arange(1.0, 1 + math.prod(axes)), (*axes, *[1] * np.ndim(real)))
    return DualTensor(np.array(real), scale * np.square(real))


def is_square(x, axes=(2,)):
    """Whether value and tangent still belong together."""
    expected = dual(x.primal, axes)
    return np.array_equal(x.tangent, expected.tangent)


INDICES = [
    0,
    -1,
    (1, 2),
    (1, 2, 3),
    slice(None, None, -1),
    (slice(None), 1),
    (..., 1),
    (None, ..., None),
    [1, 0, 1],
    np.array([[0, 1], [1, 0]]),
    X[:, 0, 0] > 5,
    X % 2 == 0,
    X[:, :, 0] > 5,
    ([0, 1], [2, 0]),
    ([0, 1], slice(None), [3, 0]),
    (0, slice(None), [3, 0]),
    (slice(None), [0, 2], [3, 0]),
    (slice(None), [[0], [2]], [3, 0]),
    ([0, 1], None, [2, 0]),
    ([[0], [1]], slice(1, 3), [2, 0]),
    (..., [1, 2], slice(0, 2)),
    (X[:, 0, 0] > 5, slice(None), [1]),
    (np.array(0), slice(None), np.array(1)),
    (True, slice(None), 1),
    (False, slice(None), np.array(1)),
    ([0, 1], ..., np.array(True), [2, 0]),
]
