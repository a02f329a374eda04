"""logsumexp and its kin: as SciPy's, to second order against differences."""

import numpy as np
import pytest
from scipy import special

from dualtrain.core.dual import DualTensor, check_derivatives, log_softmax, logsumexp, softmax

X = np.random.default_rng(0).normal(size=(2, 3))
PAIRS = [(logsumexp, special.logsumexp), (softmax, special.softmax), (log_softmax, special.log_softmax)]


@pytest.mark.parametrize("axis", [None, 0, -1, (0, 1)])
@pytest.mark.parametrize(("ours", "scipys"), PAIRS)
def test_values_and_derivatives(ours, scipys, axis):
    np.testing.assert_allclose(ours(X + 1000, axis), scipys(X + 1000, axis), rtol=1e-12)
    check_derivatives(lambda x: ours(x, axis), X)


@pytest.mark.parametrize(("ours", "scipys"), PAIRS)
def test_float32(ours, scipys):
    x = X.astype(np.float32)
    found = ours(DualTensor(x, x), -1)
    assert found.primal.dtype == found.tangent.dtype == scipys(x, -1).dtype == np.float32


def test_infinities():
    x = DualTensor([-np.inf, 0.0], [1.0, 2.0])
    assert logsumexp(x).tangent == 2
    assert logsumexp(x.primal - np.inf, keepdims=True).tolist() == [-np.inf]
