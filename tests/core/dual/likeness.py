"""What a dual gives beside what NumPy gives its value."""

import numpy as np

from dualtrain.core.dual import DualTensor
from dualtrain.core.dual.engine import Dual

X = np.array([[1.5, -2.5, 3.25], [4.0, 5.0, 6.5]])


def dual(x):
    return DualTensor(x, np.ones((2, *x.shape)))


def compare(found, expected):
    """The same values and types, the tangents in them too."""
    if isinstance(expected, tuple | list):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            compare(one, other)
        return
    value = found.primal if isinstance(found, Dual) else found
    np.testing.assert_allclose(value, expected, rtol=1e-6, strict=True)
    if isinstance(found, Dual):
        assert found.tangent.shape[found.tangent.ndim - value.ndim :] == value.shape
        assert found.tangent.dtype == value.dtype
