"""Random programs of NumPy: the same values, types and sharing with duals, and the right derivatives.

`make fuzz` runs many more of them.
"""

import numpy as np
import pytest

from tests.core.dual.fuzz.oracle import Refused, check
from tests.core.dual.fuzz.programs import drawn

PROGRAMS = 400
REFUSED = 0.03  # the portion that may be refused: maxima of complex numbers, or writing a dual into a plain array


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("order, dtype", [(1, np.float64), (2, np.float64), (1, np.float32)])
def test_random_programs_do_what_numpys_do(order, dtype):
    refused = 0
    for seed in range(PROGRAMS // order):
        program, given = drawn(seed, dtype)
        try:
            check(program, given, seed, order)
        except Refused:
            refused += 1
        except Exception as error:
            raise AssertionError("\n".join([f"seed {seed}", *program.statements])) from error
    assert refused < REFUSED * PROGRAMS
