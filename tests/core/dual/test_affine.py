"""`affine` is `x @ weights + bias`, whichever of them is dual."""

import numpy as np
import pytest

from dualtrain.core.dual import affine, check_derivatives, jvp

RNG = np.random.default_rng(0)
WEIGHTS, BIAS = RNG.normal(size=(4, 3)), RNG.normal(size=3)


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_derivatives(samples):
    x = RNG.normal(size=(samples, 4))
    check_derivatives(lambda x: affine(np.sin(x), WEIGHTS, BIAS), x)
    check_derivatives(lambda x: affine(np.sin(x), WEIGHTS), x)
    check_derivatives(affine, x, WEIGHTS, BIAS)


@pytest.mark.parametrize("axes", [(), (2,), (3, 2), (0,)])
def test_tangents_are_those_of_the_product(axes):
    x = RNG.normal(size=(3, 4))
    tangent = RNG.normal(size=(*axes, 3, 4))
    np.testing.assert_allclose(jvp(affine, (x, WEIGHTS, BIAS), (tangent, 0 * WEIGHTS, 0 * BIAS))[1], tangent @ WEIGHTS)
    found = jvp(lambda x: affine(x, WEIGHTS, BIAS), (x,), (tangent,))[1]
    np.testing.assert_allclose(found, tangent @ WEIGHTS, rtol=1e-13)
