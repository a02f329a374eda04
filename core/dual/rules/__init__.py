"""The tables of rules, sorted by kind; a function is in exactly one."""

from typing import Any

from dualtrain.core.dual.rules import (
    accumulations,
    assignment,
    calculus,
    creation,
    decompositions,
    elementwise,
    fourier,
    joining,
    linalg,
    methods,
    nans,
    padding,
    polynomials,
    products,
    reductions,
    selection,
    sequences,
    shapes,
)
from dualtrain.core.dual.rules.constants import (
    CONSTANT_FUNCTIONS,
    CONSTANT_UFUNCS,
    REFUSED_FUNCTIONS,
    REFUSED_MODULES,
    REFUSED_UFUNCS,
)

ELEMENTWISE = elementwise.RULES
UFUNCS: dict[Any, Any] = products.UFUNCS | methods.SEVERAL_RESULTS | calculus.UFUNCS | selection.UFUNCS
METHODS = methods.METHODS
ARRAY_TABLES = (
    shapes.RULES, joining.RULES, selection.RULES, reductions.RULES, nans.RULES, products.RULES, calculus.RULES,
    sequences.RULES, polynomials.RULES, padding.RULES, linalg.RULES, decompositions.RULES, fourier.RULES,
    accumulations.RULES, assignment.RULES, creation.RULES,
)  # fmt: skip
FUNCTIONS: dict[Any, Any] = {function: rule for table in ARRAY_TABLES for function, rule in table.items()}

__all__ = [
    "ARRAY_TABLES",
    "CONSTANT_FUNCTIONS",
    "CONSTANT_UFUNCS",
    "ELEMENTWISE",
    "FUNCTIONS",
    "METHODS",
    "REFUSED_FUNCTIONS",
    "REFUSED_MODULES",
    "REFUSED_UFUNCS",
    "UFUNCS",
]
