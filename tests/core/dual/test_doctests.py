"""The examples in the docstrings run."""

import doctest
import importlib
import pkgutil
from pathlib import Path

import pytest

from dualtrain.core import dual

MODULES = [
    "dualtrain.core.dual",
    *(module.name for module in pkgutil.walk_packages(dual.__path__, "dualtrain.core.dual.")),
]
WITH_EXAMPLES = {
    f"dualtrain.core.dual.{name}"
    for name in (
        "adapting",
        "custom",
        "exponentials",
        "jacobians",
        "number",
        "numpy",
        "scipy",
        "solvers",
        "taylor",
        "tensor",
        "testing",
        "transforms",
    )
}


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    result = doctest.testmod(importlib.import_module(name))
    assert result.failed == 0
    assert (result.attempted > 0) == (name in WITH_EXAMPLES)


def test_examples_of_the_mathematics_page():
    page = Path(__file__).parents[3] / "docs" / "mathematics.md"
    result = doctest.testfile(str(page), module_relative=False)
    assert result.failed == 0 and result.attempted > 10


def test_public_names():
    assert all(getattr(dual, name).__doc__ for name in dual.__all__)
