"""Dispatch of NumPy calls to their rules, and the errors for calls without a rule."""

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

_OPERANDS = (Dual, np.ndarray, np.generic, bool, int, float, complex, list, tuple, slice)


_ATTRIBUTES: dict[Any, str] = {np.ndim: "ndim", np.shape: "shape", np.size: "size"}


def call_ufunc(ufunc: Any, method: str, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Any:
    """Return a ufunc of arguments with a dual among them; NotImplemented for operands of other libraries."""
    if not all(isinstance(x, _OPERANDS) for x in inputs):
        return NotImplemented
    check_plain_arrays([type(x) for x in inputs if isinstance(x, np.ndarray)])
    if method != "at":  # whose second argument is an index
        inputs = tuple(np.asarray(x) if isinstance(x, list | tuple) else x for x in inputs)
    outputs = options.pop("out", None)
    mask = options.pop("where", True) if method == "__call__" else True  # of a method it is one of its options
    if mask is not True and outputs is None:
        raise TypeError(f"{_ufunc_name(ufunc)} with where= leaves the rest undefined: give out= too, or take np.where")
    result = _apply_ufunc(ufunc, method, inputs, options)
    if outputs is None:
        return result
    if method != "__call__":
        _check_shapes(result, outputs)
    return _write_outputs(_ufunc_name(ufunc), result, outputs, mask)


def _apply_ufunc(ufunc: Any, method: str, inputs: tuple[Tensor, ...], options: dict[str, Any]) -> Any:
    """Return the result of a ufunc, or of a method of it, as a new array."""
    if ufunc in CONSTANT_UFUNCS:
        return getattr(ufunc, method)(*(plain(x) for x in inputs), **plain(options))
    if method == "outer" and not options:
        return outer(ufunc, *inputs)
    if method != "__call__":
        return _call(METHODS.get((ufunc, method)), f"{_ufunc_name(ufunc)}.{method}", inputs, options)
    if ufunc in UFUNCS:
        return _call(UFUNCS[ufunc], _ufunc_name(ufunc), inputs, options)
    rule = ELEMENTWISE.get(ufunc) or special_rule(ufunc)
    if callable(rule):
        return _call(rule, _ufunc_name(ufunc), inputs, options)
    if rule is None or options:
        raise _refusal(_ufunc_name(ufunc), options, REFUSED_UFUNCS.get(ufunc))
    return elementwise(ufunc, rule, inputs)


def _ufunc_name(ufunc: Any) -> str:
    """Return the name of a ufunc, behind "numpy." if it is NumPy's: SciPy has ufuncs too."""
    name: str = ufunc.__name__
    return f"numpy.{name}" if getattr(np, name, None) is ufunc else name


def special_rule(ufunc: Any) -> Any:
    """Return the rule of a ufunc of SciPy's, if it is one: then SciPy is there."""
    if getattr(np, ufunc.__name__, None) is ufunc:
        return None
    try:
        from dualtrain.core.dual.rules.special import CONSTANT, RULES, SEVERAL_RESULTS
    except ImportError:
        return None
    if ufunc in CONSTANT:
        return lambda *inputs: ufunc(*map(plain, inputs))
    return RULES.get(ufunc) or SEVERAL_RESULTS.get(ufunc)


def _write_outputs(name: str, result: Any, outputs: tuple[Any, ...], mask: Any) -> Any:
    """Return the result written into `out=`, which holds tangents only if it is a dual itself."""
    results = result if isinstance(result, tuple) else (result,)
    written = tuple(_write_output(name, item, out, mask) for item, out in zip(results, outputs, strict=True))
    return written if len(written) > 1 else written[0]


def _write_output(name: str, result: Any, out: Any, mask: Any) -> Any:
    if out is None or (isinstance(out, Dual) and not isinstance(plain(out), np.ndarray)):
        return result  # NumPy's scalars do not change either: `s += x` makes a new one
    if isinstance(out, Dual):
        selected: Any = out
        setitem(out, ..., result if mask is True else np.where(mask, result, selected))
        return out
    if isinstance(result, Dual):
        raise TypeError(f"{name} with out= a plain array would drop the derivative: make it with np.zeros_like(dual)")
    np.copyto(out, result, where=mask)
    return out


def call_function(function: Callable[..., Any], args: Any, options: dict[str, Any]) -> Any:
    """Return an array function of arguments with a dual among them."""
    attribute = _ATTRIBUTES.get(function)
    if attribute is not None and len(args) == 1 and not options and isinstance(args[0], Dual):
        return getattr(args[0], attribute)
    args, options = _by_keyword(function, args, options)
    out = options.pop("out", None)
    name = f"{function.__module__}.{function.__name__}"
    if function in CONSTANT_FUNCTIONS:
        result = function(*plain(args), **plain(options))
    else:
        hint = REFUSED_FUNCTIONS.get(function) or REFUSED_MODULES.get(function.__module__)
        result = _call(FUNCTIONS.get(function), name, args, options, hint)
    if out is None:
        return result
    if function is not np.clip:  # which is a ufunc in all but name
        _check_shapes(result, (out,))
    return _write_outputs(name, result, (out,), True)


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


def _check_shapes(result: Any, outputs: tuple[Any, ...]) -> None:
    """Raise ValueError for `out=` of another shape than the result, which ufuncs alone broadcast into it."""
    for out in outputs:
        if np.shape(out) != np.shape(result):
            raise ValueError(f"out= has the shape {np.shape(out)}, but the result {np.shape(result)}")


def _call(
    rule: Callable[..., Any] | None, name: str, args: Any, options: dict[str, Any], hint: str | None = None
) -> Any:
    """Return the rule's answer; TypeError if there is no rule or it does not take these arguments."""
    if rule is None:
        raise _refusal(name, {}, hint)
    try:
        return rule(*args, **options)
    except TypeError as error:
        if _binds(rule, args, options):
            raise  # from inside the rule, which has said what is wrong
        raise _refusal(name, options) from error


def _binds(rule: Callable[..., Any], args: Any, options: dict[str, Any]) -> bool:
    """Return whether a rule can be called with these arguments."""
    try:
        signature(rule).bind(*args, **options)
    except TypeError:
        return False
    return True


def _refusal(name: str, options: dict[str, Any], hint: str | None = None) -> TypeError:
    """Return the error for a call without a rule."""
    suffix = f" with {', '.join(f'{option}=' for option in options)}" if options else ""
    advice = (
        "write it with functions that have one, or add one with dualtrain.core.dual.rule; .primal is the value alone"
    )
    return TypeError(f"no derivative rule for {name}{suffix}: {hint or advice}")
