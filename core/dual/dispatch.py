"""How a call of NumPy finds its rule, and what is said where there is none."""

import sys
from collections.abc import Callable
from functools import cache
from inspect import Parameter, signature
from typing import Any

import numpy as np

from dualtrain.core.dual.chain import elementwise
from dualtrain.core.dual.engine import Dual, Tensor, plain
from dualtrain.core.dual.rules import (
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
from dualtrain.core.dual.rules.assignment import setitem
from dualtrain.core.dual.rules.methods import outer
from dualtrain.core.dual.unsupported import check_plain_arrays

OPERANDS = (Dual, np.ndarray, np.generic, bool, int, float, complex, list, tuple, slice)


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Any:
    """A ufunc of arguments with a dual among them; NotImplemented for operands of other libraries."""
    if not all(isinstance(x, OPERANDS) for x in inputs):
        return NotImplemented
    check_plain_arrays([type(x) for x in inputs if isinstance(x, np.ndarray)])
    if method != "at":  # whose second argument is an index
        inputs = tuple(np.asarray(x) if isinstance(x, list | tuple) else x for x in inputs)
    outputs = options.pop("out", None)
    mask = options.pop("where", True) if method == "__call__" else True  # of a method it is one of its options
    if mask is not True and outputs is None:
        raise TypeError(f"{named(ufunc)} with where= leaves the rest undefined: give out= too, or take np.where")
    result = answer(ufunc, method, inputs, options)
    if outputs is None:
        return result
    if method != "__call__":
        check_shapes(result, outputs)
    return delivered(named(ufunc), result, outputs, mask)


def answer(ufunc: Any, method: str, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Any:
    """The result of a ufunc, or of a method of it, as a new array."""
    if ufunc in CONSTANT_UFUNCS:
        return getattr(ufunc, method)(*(plain(x) for x in inputs), **plain(options))
    if method == "outer" and not options:
        return outer(ufunc, *inputs)
    if method != "__call__":
        return call(METHODS.get((ufunc, method)), f"{named(ufunc)}.{method}", inputs, options)
    if ufunc in UFUNCS:
        return call(UFUNCS[ufunc], named(ufunc), inputs, options)
    rule = ELEMENTWISE.get(ufunc) or special(ufunc)
    if rule is None or options:
        raise refusal(named(ufunc), options, REFUSED_UFUNCS.get(ufunc))
    return elementwise(ufunc, rule, inputs)


def named(ufunc: Any) -> str:
    """Its name, with NumPy's in front if it is there: SciPy has ufuncs too."""
    name: str = ufunc.__name__
    return f"numpy.{name}" if getattr(np, name, None) is ufunc else name


def special(ufunc: Any) -> Any:
    """The rule of a ufunc of SciPy's, if it is one: then SciPy is there."""
    if getattr(np, ufunc.__name__, None) is ufunc:
        return None
    try:
        from dualtrain.core.dual.rules.special import RULES
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
        raise TypeError(f"{name} with out= a plain array would drop the derivative: make it with np.zeros_like(dual)")
    np.copyto(out, result, where=mask)
    return out


def call_function(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """An array function of arguments with a dual among them."""
    args, options = _by_keyword(function, args, options)
    out = options.pop("out", None)
    name = f"{function.__module__}.{function.__name__}"
    if function in CONSTANT_FUNCTIONS:
        result = function(*plain(args), **plain(options))
    else:
        hint = REFUSED_FUNCTIONS.get(function) or REFUSED_MODULES.get(function.__module__)
        result = call(FUNCTIONS.get(function), name, args, options, hint)
    if out is None:
        return result
    if function is not np.clip:  # which is a ufunc in all but name
        check_shapes(result, (out,))
    return delivered(name, result, (out,), True)


def _by_keyword(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
    """Return a call's arguments with `out`, and all that stands behind it, by keyword; without NumPy's `_NoValue`."""
    if not options and len(args) < 3 and args[-1] is not np._NoValue:
        return args, {}
    start = len(args)
    for i, value in enumerate(args):
        if value is np._NoValue:
            start = i
            break
    if start > 2:  # no `out` stands before
        start = min(start, _place_of_out(function))
    if start < len(args):
        options = options | dict(zip(_positions(function)[start:], args[start:], strict=False))
    return args[:start], {name: value for name, value in options.items() if value is not np._NoValue}


@cache
def _place_of_out(function: Callable[..., Any]) -> int:
    names = _positions(function)
    return names.index("out") if "out" in names else sys.maxsize


@cache
def _positions(function: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that a function takes by position."""
    by_position = Parameter.POSITIONAL_ONLY, Parameter.POSITIONAL_OR_KEYWORD
    return [p.name for p in signature(function).parameters.values() if p.kind in by_position]


def check_shapes(result: Any, outputs: tuple[Any, ...]) -> None:
    """ValueError for `out=` of another shape than the result, which ufuncs alone broadcast into it."""
    for out in outputs:
        if np.shape(out) != np.shape(result):
            raise ValueError(f"out= has the shape {np.shape(out)}, but the result {np.shape(result)}")


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
    usual = (
        "write it with functions that have one, or add one with dualtrain.core.dual.rule; .primal is the value alone"
    )
    return TypeError(f"no derivative rule for {name}{told}: {hint or usual}")
