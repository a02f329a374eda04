"""The tables of rules, sorted by kind; a function is in exactly one."""

from typing import Any

from core.dual.rules import elementwise, products, reductions, selection, shapes
from core.dual.rules.constants import CONSTANT_FUNCTIONS, CONSTANT_UFUNCS

ELEMENTWISE = elementwise.RULES
UFUNCS: dict[Any, Any] = products.UFUNCS
FUNCTIONS: dict[Any, Any] = shapes.RULES | reductions.RULES | products.RULES | selection.RULES

__all__ = ["CONSTANT_FUNCTIONS", "CONSTANT_UFUNCS", "ELEMENTWISE", "FUNCTIONS", "UFUNCS"]
