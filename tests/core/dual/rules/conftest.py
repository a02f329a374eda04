"""A module's CASES: for each function with a rule, forms of it and the shapes that it is called with.

Each becomes a test with its arguments drawn. `check_derivatives` pushes none, one and two axes of directions (3, and
2 x 3: sizes that the data have too). A rule without a case fails the collection.
"""

import importlib

import numpy as np


def pytest_generate_tests(metafunc):
    if "case" not in metafunc.fixturenames:
        return
    cases = metafunc.module.CASES
    name = metafunc.module.__name__.rpartition("test_")[2]
    rules = importlib.import_module(f"core.dual.rules.{name}").RULES
    assert set(cases) == set(rules), {function.__name__ for function in set(cases) ^ set(rules)}
    forms = [(function, *form) for function, several in cases.items() for form in several]
    names = [f"{function.__name__}-{'-'.join(map(str, shapes))}" for function, _, *shapes in forms]
    metafunc.parametrize("case", [(call, *drawn(shapes)) for _, call, *shapes in forms], ids=names)


def drawn(shapes):
    rng = np.random.default_rng(7)
    return [rng.normal(size=shape) for shape in shapes]
