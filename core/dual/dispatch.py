"""How a call of NumPy finds its rule, and what is said where there is none."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.dual.chain import elementwise
from core.dual.engine import Dual, Tensor
from core.dual.rules import CONSTANT_FUNCTIONS, CONSTANT_UFUNCS, ELEMENTWISE, FUNCTIONS, UFUNCS

OPERANDS = (Dual, np.ndarray, np.generic, bool, int, float, complex)


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Any:
    """A ufunc of arguments with a dual among them; NotImplemented for operands of other libraries."""
    if not all(isinstance(x, OPERANDS) for x in inputs):
        return NotImplemented
    if method != "__call__" or options:
        raise refusal(f"{ufunc.__name__}.{method}", f"options {sorted(options)}")
    rule = ELEMENTWISE.get(ufunc)
    if rule is not None:
        return elementwise(ufunc, rule, inputs)
    if ufunc in UFUNCS:
        return UFUNCS[ufunc](*inputs)
    if ufunc in CONSTANT_UFUNCS:
        return ufunc(*(plain(x) for x in inputs))
    raise refusal(ufunc.__name__)


def call_function(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """An array function of arguments with a dual among them."""
    if options.get("out") is None:
        options.pop("out", None)
    handler = FUNCTIONS.get(function)
    if handler is not None:
        return handler(*args, **options)
    if function in CONSTANT_FUNCTIONS:
        return function(*plain(args), **plain(options))
    raise refusal(function.__name__)


def plain(x: Any) -> Any:
    """The value of a dual of any level, and of every dual in a list, tuple or dictionary."""
    if isinstance(x, Dual):
        return plain(x.real)
    if isinstance(x, list | tuple):
        return type(x)(plain(one) for one in x)
    if isinstance(x, dict):
        return {name: plain(one) for name, one in x.items()}
    return x


def refusal(name: str, what: str = "") -> TypeError:
    """The error for a call without a rule."""
    return TypeError(
        f"no derivative rule for numpy.{name}{' with ' + what if what else ''}: "
        "write it with functions that have one, or add one with core.dual.rule; .real is the value alone"
    )
