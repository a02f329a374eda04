"""Numbers from one end to another: to second order against differences."""

import numpy as np

from dualtrain.core.dual import check_derivatives

CASES = {
    np.linspace: [
        (lambda a, b: np.linspace(a, b, 4), (), ()),
        (lambda a: np.linspace(a, 1.0, 3, endpoint=False, axis=1), (2,)),
    ],
    np.logspace: [(lambda a: np.logspace(a, 1.0, 3), ())],
    np.geomspace: [(lambda a: np.geomspace(np.exp(a), 2.0, 4), ())],
}


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)
