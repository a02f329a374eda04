"""NumPy's namespace, in which the functions that make arrays take duals and make arrays of duals.

With `from dualtrain.core.dual import numpy as np` a program can collect duals in `np.array([...])`, fill `np.zeros(n)`
with them, or give a list of duals to a function. Everything else is NumPy's own; while no
derivative is computed, so are all results.

>>> from dualtrain.core.dual import jacobian, numpy as np
>>> def polar(x):
...     return np.array([np.hypot(x[0], x[1]), np.arctan2(x[1], x[0])])
>>> jacobian(polar)(np.array([0.0, 2.0]))
array([[ 0. ,  1. ],
       [-0.5,  0. ]])
"""

from collections.abc import Callable, Iterator
from functools import wraps
from types import ModuleType
from typing import Any

import numpy as _np

from dualtrain.core.dual.engine import Dual, plain
from dualtrain.core.dual.rules import creation as _creation
from dualtrain.core.dual.transforms import differentiating as _differentiating
from dualtrain.core.dual.vectorizing import AxisJoiner as _AxisJoiner
from dualtrain.core.dual.vectorizing import Vectorized as _Vectorized

_JOINING = frozenset({  # their first argument is a sequence of arrays, not an array
    "concatenate", "concat", "stack", "vstack", "hstack", "dstack", "column_stack", "row_stack", "select",
    "multi_dot", "lexsort", "ix_", "meshgrid", "broadcast_arrays", "broadcast_shapes",
    "atleast_1d", "atleast_2d", "atleast_3d", "choose",
})  # fmt: skip
_BLANK = frozenset({"zeros_like", "ones_like", "empty_like", "full_like", "copy"})


def _with_arrays(value: Any) -> Any:
    """Return an argument with an array in the place of a list in which a dual stands."""
    return _creation.array(value) if isinstance(value, list | tuple) and _creation.has_dual(value) else value


def _with_arrays_inside(value: Any) -> Any:
    return type(value)(map(_with_arrays, value)) if type(value) in (list, tuple) else value


def _unchanged(value: Any) -> Any:
    return value


def _calling(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function of NumPy that takes lists of duals, and makes arrays that may be assigned duals."""
    prepare = _with_arrays_inside if name in _JOINING else _unchanged if name == "block" else _with_arrays

    @wraps(function)
    def call(*args: Any, **options: Any) -> Any:
        result = function(*map(prepare, args), **dict(zip(options, map(prepare, options.values()), strict=True)))
        return _creation.assignable(result) if name in _BLANK and _differentiating() else result

    return call


class _Ufunc:
    """A ufunc of NumPy whose arguments may be lists of duals; its methods too."""

    def __init__(self, ufunc: Any) -> None:
        self._ufunc = ufunc

    def __call__(self, *args: Any, **options: Any) -> Any:
        return self._ufunc(*map(_with_arrays, args), **options)

    def __getattr__(self, name: str) -> Any:
        attribute = getattr(self._ufunc, name)
        return _calling(name, attribute) if callable(attribute) else attribute

    def __repr__(self) -> str:
        return repr(self._ufunc)


class _Namespace(ModuleType):
    """A module of NumPy's below its own, such as linalg."""

    def __init__(self, module: ModuleType) -> None:
        super().__init__(module.__name__, module.__doc__)
        self._module = module

    def __getattr__(self, name: str) -> Any:
        value = _wrapped(name, getattr(self._module, name))
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return dir(self._module)


def _wrapped(name: str, value: Any) -> Any:
    """Return what stands in this namespace for a name of NumPy's."""
    if isinstance(value, ModuleType):
        return _Namespace(value)
    if isinstance(value, _np.ufunc):
        return _Ufunc(value)
    if isinstance(value, type) or not callable(value):
        return value
    return _calling(name, value)


def _array(function: Callable[..., Any], plain_function: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that makes arrays: of duals, or plain arrays while no derivative is computed."""

    @wraps(plain_function)
    def call(*args: Any, **options: Any) -> Any:
        options.pop("like", None)
        if _differentiating() or _creation.has_dual(list(args)) or _creation.has_dual(list(options.values())):
            return function(*args, **options)
        return plain_function(*args, **options)

    return call


class _ArrayType(type):
    """The type of `ndarray`, of which duals of arrays are instances here."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(plain(instance) if isinstance(instance, Dual) else instance, _np.ndarray)

    def __getattr__(cls, name: str) -> Any:
        return getattr(_np.ndarray, name)


class ndarray(metaclass=_ArrayType):
    """NumPy's arrays, and duals of arrays."""

    def __new__(cls, *args: Any, **options: Any) -> Any:
        return _np.ndarray(*args, **options)


def isscalar(element: Any) -> bool:
    """Return whether an element is a scalar, as duals of scalars are."""
    return bool(_np.isscalar(plain(element) if isinstance(element, Dual) else element))


def ndenumerate(arr: Any) -> Iterator[tuple[tuple[int, ...], Any]]:
    """Return the indices and elements of an array."""
    arr = _creation.asarray(arr)
    return ((index, arr[index]) for index in _np.ndindex(arr.shape))


vectorize = _Vectorized
r_ = _AxisJoiner(_np.r_)
c_ = _AxisJoiner(_np.c_)
for _function in _creation.RULES:
    globals()[_function.__name__] = _array(_creation.RULES[_function], _function)
del _function


def __getattr__(name: str) -> Any:
    if name.startswith("__"):
        raise AttributeError(name)
    value = _wrapped(name, getattr(_np, name))
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return dir(_np)
