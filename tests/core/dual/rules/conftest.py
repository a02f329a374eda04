"""A module's CASES: for each function with a rule, forms of it and the shapes that it is called with.

Each becomes a test with its arguments drawn. `check_derivatives` pushes none, one and two axes of directions (3, and
2 x 3: sizes that the data have too). A rule without a case fails the collection.
"""

import importlib

import numpy as np
import pytest

from dualtrain.core.dual import jvp


def pytest_generate_tests(metafunc):
    if "case" not in metafunc.fixturenames:
        return
    cases = metafunc.module.CASES
    name = metafunc.module.__name__.rpartition("test_")[2]
    rules = importlib.import_module(f"dualtrain.core.dual.rules.{name}").RULES
    assert set(cases) == set(rules), {function.__name__ for function in set(cases) ^ set(rules)}
    forms = [(function, *form) for function, several in cases.items() for form in several]
    names = [f"{function.__name__}-{'-'.join(map(str, shapes))}" for function, _, *shapes in forms]
    metafunc.parametrize("case", [(call, *drawn(shapes)) for _, call, *shapes in forms], ids=names)


def drawn(shapes):
    rng = np.random.default_rng(7)
    return [rng.normal(size=shape) for shape in shapes]


@pytest.fixture
def check_types():
    """A check that float32 gives the types that NumPy gives it, in the value and in the first two derivatives."""
    return same_types


def same_types(function, *arguments):
    arguments = [np.asarray(x, np.float32) for x in arguments]
    tangents = [np.ones((2, *x.shape), np.float32) for x in arguments]
    along = [tangent[0] for tangent in tangents]
    expected = types(function(*arguments))
    value, tangent = jvp(function, arguments, tangents)
    second = jvp(lambda *xs: jvp(function, xs, along)[1], arguments, tangents)[1]
    assert (types(value), types(tangent), types(second)) == (expected,) * 3


def types(result):
    """The types of the arrays in a result; what is not of floats has become float64."""
    if isinstance(result, tuple | list):
        return [types(part) for part in result]
    dtype = np.asarray(result).dtype
    return dtype if dtype.kind in "fc" else np.dtype(float)
