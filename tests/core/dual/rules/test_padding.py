"""np.pad in its modes: to second order against differences."""

import numpy as np
import pytest

from dualtrain.core.dual import DualTensor, check_derivatives

CASES = {
    np.pad: [
        (lambda x: np.pad(x, 1), (2, 3)),
        (lambda x: np.pad(x, ((1, 0), (0, 2)), constant_values=3), (2, 3)),
        (lambda x: np.pad(x, 2, "reflect"), (3, 3)),
        (lambda x: np.pad(x, (1, 2), "edge"), (3,)),
        (lambda x: np.pad(x, 1, "wrap"), (3,)),
        (lambda x: np.pad(x, 1, "symmetric"), (3,)),
        *[
            (lambda x, m=m, n=n: np.pad(x, ((2, 0), (1, 3)), m, stat_length=n), (3, 4))
            for m in ("maximum", "minimum", "mean", "median")
            for n in (None, 2)
        ],
        *[
            (lambda x, m=m: np.pad(x, {0: (1, 2), -1: 1}, m), (3, 2, 4))
            for m in ("constant", "edge", "mean", "linear_ramp")
        ],
        (lambda x: np.pad(x, 2, "linear_ramp", end_values=(1, 3)), (3, 2)),
    ],
}  # fmt: skip


def test_derivatives(case):
    check_derivatives(*case)


def test_float32(case, check_types):
    check_types(*case)


@pytest.mark.parametrize("options", [{"mode": "reflect", "reflect_type": "odd"}, {"mode": "empty"}])
def test_other_modes_are_refused(options):
    with pytest.raises(TypeError, match=f"numpy.pad of a dual takes no mode='{options['mode']}'"):
        np.pad(DualTensor(np.ones(3), np.ones(3)), 1, **options)
