"""Operations that a dual refuses because they would drop the derivative: conversion to a plain number or array, access
to its memory."""

import math
from collections.abc import Iterable
from typing import Any, NoReturn

import numpy as np

from dualtrain.core.dual.engine import plain

_MEMORY = "value and tangent are two arrays: take that of .primal and of .tangent"
_FILES = "pickle the dual, or save .primal and .tangent apart"


_NAMESPACE = "take dualtrain.core.dual.numpy in the place of numpy, or dualtrain.core.dual.adapt(function)"
_PLAIN_ARRAYS: set[type] = {np.ndarray, np.memmap}  # and the classes of duals


def check_plain_arrays(kinds: Iterable[type]) -> None:
    """Raise TypeError for subclasses of arrays: a mask, a unit or the product of matrices would be lost."""
    if _PLAIN_ARRAYS.issuperset(kinds):
        return
    for kind in kinds:
        check_plain_array(kind)


def check_plain_array(kind: type) -> None:
    """Raise TypeError for a subclass of arrays."""
    if kind not in _PLAIN_ARRAYS and issubclass(kind, np.ndarray):
        raise TypeError(
            f"core.dual takes plain NumPy arrays, and would ignore what a {kind.__name__} adds to them: convert it, "
            "with np.asarray(x), or x.filled(value) of a masked array"
        )


class Missing:
    """An attribute of arrays that duals have not: AttributeError says what to do instead, and hasattr is False."""

    def __init__(self, instead: str) -> None:
        self.instead = instead

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name

    def __get__(self, dual: Any, owner: type) -> NoReturn:
        raise AttributeError(f"a {owner.__name__} has no .{self.name}, unlike an array: {self.instead}")


class Refusing:
    """Conversions that raise TypeError and say what to do instead, and attributes that raise AttributeError."""

    __slots__ = ()

    def __init_subclass__(cls) -> None:
        _PLAIN_ARRAYS.add(cls)

    base = Missing(_MEMORY)
    byteswap = Missing(_MEMORY)
    choose = Missing("a dual is no index; np.choose takes duals as its choices")
    ctypes = Missing(_MEMORY)
    data = Missing(_MEMORY)
    dump = Missing(_FILES)
    dumps = Missing(_FILES)
    flags = Missing(_MEMORY)
    flat = Missing("iterate over np.ravel(dual), and assign into dual.reshape(-1)")
    getfield = Missing("a dual has no fields")
    resize = Missing("np.resize(dual, shape) makes a new one")
    setfield = Missing("a dual has no fields")
    setflags = Missing(_MEMORY)
    strides = Missing(_MEMORY)
    tobytes = Missing(_FILES)
    tofile = Missing(_FILES)
    view = Missing("dual[...] is a view of it, dual.astype another type")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} does not become a NumPy array, which would drop its derivative: "
            f"{_NAMESPACE}; or join duals with np.stack, or take .primal for the value alone"
        )

    def __format__(self, spec: str) -> str:
        """Format the value; without a specification, all of the dual."""
        return format(plain(self), spec) if spec else str(self)

    def __round__(self, digits: int | None = None) -> Any:
        """Return the rounded value, which is constant between its jumps; so do floor, ceil and trunc."""
        return round(plain(self), digits)

    def __floor__(self) -> Any:
        return math.floor(plain(self))

    def __ceil__(self) -> Any:
        return math.ceil(plain(self))

    def __trunc__(self) -> Any:
        return math.trunc(plain(self))

    def __float__(self) -> NoReturn:
        self._refuse("float")

    def __int__(self) -> NoReturn:
        self._refuse("int")

    def __complex__(self) -> NoReturn:
        self._refuse("complex")

    def _refuse(self, name: str) -> NoReturn:
        raise TypeError(
            f"{name}() of a {type(self).__name__} would drop its derivative, as math's functions and assignments into "
            f"plain arrays would: {_NAMESPACE}; or assign into np.zeros_like(dual), or take .primal for the value alone"
        )
