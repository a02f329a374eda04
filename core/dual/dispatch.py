"""How a call of NumPy finds its rule, and what is said where there is none."""

from collections.abc import Callable
from typing import Any

import numpy as np

from core.dual.chain import elementwise
from core.dual.engine import Dual, Tensor, plain
from core.dual.rules import (
    CONSTANT_FUNCTIONS,
    CONSTANT_UFUNCS,
    ELEMENTWISE,
    FUNCTIONS,
    METHODS,
    REFUSED_FUNCTIONS,
    REFUSED_MODULES,
    REFUSED_UFUNCS,
    UFUNCS,
)
from core.dual.rules.assignment import setitem
from core.dual.rules.methods import outer

OPERANDS = (Dual, np.ndarray, np.generic, bool, int, float, complex, list, tuple, slice)


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Any:
    """A ufunc of arguments with a dual among them; NotImplemented for operands of other libraries."""
    if not all(isinstance(x, OPERANDS) for x in inputs):
        return NotImplemented
    if method != "at":  # whose second argument is an index
        inputs = tuple(np.asarray(x) if isinstance(x, list | tuple) else x for x in inputs)
    outputs, mask = options.pop("out", None), options.pop("where", True)
    if mask is not True and method == "__call__" and outputs is None:
        raise TypeError(
            f"numpy.{ufunc.__name__} with where= leaves the rest undefined: give out= too, or take np.where"
        )
    if mask is not True and method != "__call__":
        options["where"] = mask
    result = answer(ufunc, method, inputs, options)
    return result if outputs is None else delivered(ufunc.__name__, result, outputs, mask)


def answer(ufunc: Any, method: str, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Any:
    """The result of a ufunc, or of a method of it, as a new array."""
    if ufunc in CONSTANT_UFUNCS:
        return getattr(ufunc, method)(*(plain(x) for x in inputs), **plain(options))
    if method == "outer" and not options:
        return outer(ufunc, *inputs)
    if method != "__call__":
        return call(METHODS.get((ufunc, method)), f"{ufunc.__name__}.{method}", inputs, options)
    if ufunc in UFUNCS:
        return call(UFUNCS[ufunc], ufunc.__name__, inputs, options)
    rule = ELEMENTWISE.get(ufunc) or special(ufunc)
    if rule is None or options:
        raise refusal(ufunc.__name__, options, REFUSED_UFUNCS.get(ufunc))
    return elementwise(ufunc, rule, inputs)


def special(ufunc: Any) -> Any:
    """The rule of a ufunc of SciPy's, if it is one: then SciPy is there."""
    if getattr(np, ufunc.__name__, None) is ufunc:
        return None
    try:
        from core.dual.rules.special import RULES
    except ImportError:
        return None
    return RULES.get(ufunc)


def delivered(name: str, result: Any, outputs: tuple[Any, ...], mask: Any) -> Any:
    """The result written into `out=`, which holds tangents only if it is a dual itself."""
    results = result if isinstance(result, tuple) else (result,)
    written = tuple(written_into(name, one, out, mask) for one, out in zip(results, outputs, strict=True))
    return written if len(written) > 1 else written[0]


def written_into(name: str, result: Any, out: Any, mask: Any) -> Any:
    if out is None or (isinstance(out, Dual) and not isinstance(plain(out), np.ndarray)):
        return result  # NumPy's scalars do not change either: `s += x` makes a new one
    if isinstance(out, Dual):
        kept: Any = out
        setitem(out, ..., result if mask is True else np.where(mask, result, kept))
        return out
    if isinstance(result, Dual):
        raise TypeError(
            f"numpy.{name} with out= a plain array would drop the derivative: make it with np.zeros_like(dual)"
        )
    np.copyto(out, result, where=mask)
    return out


def call_function(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """An array function of arguments with a dual among them."""
    options = dict(options)
    out = options.pop("out", None)
    name = f"{function.__module__.removeprefix('numpy.')}.{function.__name__}".removeprefix("numpy.")
    if function in CONSTANT_FUNCTIONS:
        result = function(*plain(args), **plain(options))
    else:
        hint = REFUSED_FUNCTIONS.get(function) or REFUSED_MODULES.get(function.__module__)
        result = call(FUNCTIONS.get(function), name, args, options, hint)
    return result if out is None else delivered(name, result, (out,), True)


def call(
    rule: Callable[..., Any] | None, name: str, args: Any, options: dict[str, Any], hint: str | None = None
) -> Any:
    """The rule's answer; TypeError if there is no rule or it does not take these arguments."""
    if rule is None:
        raise refusal(name, {}, hint)
    try:
        return rule(*args, **options)
    except TypeError as error:
        if error.__traceback__ is None or error.__traceback__.tb_next is not None:
            raise  # from inside the rule, which has said what is wrong
        raise refusal(name, options) from error


def refusal(name: str, options: dict[str, Any], hint: str | None = None) -> TypeError:
    """The error for a call without a rule."""
    told = f" with {', '.join(f'{option}=' for option in options)}" if options else ""
    usual = "write it with functions that have one, or add one with core.dual.rule; .real is the value alone"
    return TypeError(f"no derivative rule for numpy.{name}{told}: {hint or usual}")
