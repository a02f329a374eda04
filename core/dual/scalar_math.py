"""Python's `math` with functions that take duals of scalars, for `adapt`."""

import math
from collections.abc import Callable
from types import ModuleType
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, plain

_SPECIAL = {"erf": "erf", "erfc": "erfc", "gamma": "gamma", "lgamma": "gammaln"}
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(np, name)
        for name in (
            "sin", "cos", "tan", "sinh", "cosh", "tanh", "exp", "exp2", "expm1", "log2", "log10", "log1p",
            "sqrt", "cbrt", "fabs", "degrees", "radians", "copysign", "fmod", "ldexp", "nextafter", "modf", "frexp",
            "isnan", "isinf", "isfinite",
        )
    },
    **{name: getattr(np, f"arc{name[1:]}") for name in ("asin", "acos", "atan", "asinh", "acosh", "atanh", "atan2")},
    "pow": np.power,
    "remainder": lambda x, y: x - y * np.rint(plain(x) / plain(y)),
    "log": lambda x, base=None: np.log(x) if base is None else np.log(x) / np.log(base),
    "hypot": lambda *parts: np.sqrt(sum(part * part for part in parts)),
    "dist": lambda p, q: np.sqrt(sum((a - b) ** 2 for a, b in zip(p, q, strict=True))),
    "fsum": lambda items: sum(items),
    "sumprod": lambda p, q: sum(a * b for a, b in zip(p, q, strict=True)),
    "prod": lambda items, start=1: math.prod(items, start=start),
}  # fmt: skip


def _of_duals(name: str) -> Callable[..., Any] | None:
    if name in _SPECIAL:
        from scipy import special

        return getattr(special, _SPECIAL[name])  # type: ignore[no-any-return]
    return _FUNCTIONS.get(name)


def _has_dual(value: Any) -> bool:
    return isinstance(value, Dual) or (isinstance(value, list | tuple) and any(isinstance(x, Dual) for x in value))


def _wrapped(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    def call(*args: Any, **options: Any) -> Any:
        args = tuple(list(arg) if hasattr(arg, "__next__") else arg for arg in args)
        if not any(_has_dual(arg) for arg in args):
            return function(*args, **options)
        values = function(*plain(args), **plain(options))  # whose errors, of a domain or a type, are math's
        dual_function = _of_duals(name)
        return values if dual_function is None else dual_function(*args, **options)

    call.__name__ = name
    call.__doc__ = function.__doc__
    return call


class _Math(ModuleType):
    """The module `math`, of numbers and of duals of scalars."""

    def __getattr__(self, name: str) -> Any:
        value = getattr(math, name)
        wrapped = _wrapped(name, value) if callable(value) else value
        setattr(self, name, wrapped)
        return wrapped


dual_math = _Math("math", "Python's math, of numbers and of duals of scalars.")
