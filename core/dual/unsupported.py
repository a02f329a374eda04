"""What a dual refuses, because it would drop the derivative: to become a plain number or array, to show its memory."""

from typing import Any, NoReturn

MEMORY = "value and tangent are two arrays: take that of .primal and of .tangent"
FILES = "pickle the dual, or save .primal and .tangent apart"


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

    base = Missing(MEMORY)
    byteswap = Missing(MEMORY)
    choose = Missing("a dual is no index; np.choose takes duals as its choices")
    ctypes = Missing(MEMORY)
    data = Missing(MEMORY)
    dump = Missing(FILES)
    dumps = Missing(FILES)
    flags = Missing(MEMORY)
    flat = Missing("iterate over np.ravel(dual), and assign into dual.reshape(-1)")
    getfield = Missing("a dual has no fields")
    resize = Missing("np.resize(dual, shape) makes a new one")
    setfield = Missing("a dual has no fields")
    setflags = Missing(MEMORY)
    strides = Missing(MEMORY)
    tobytes = Missing(FILES)
    tofile = Missing(FILES)
    view = Missing("dual[...] is a view of it, dual.astype another type")

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} does not become a NumPy array, which would drop its derivative: "
            "join duals with np.stack, assign into np.zeros_like(dual), or take .primal for the value alone"
        )

    def __float__(self) -> NoReturn:
        self._refuse("float")

    def __int__(self) -> NoReturn:
        self._refuse("int")

    def __complex__(self) -> NoReturn:
        self._refuse("complex")

    def _refuse(self, name: str) -> NoReturn:
        raise TypeError(
            f"{name}() of a {type(self).__name__} would drop its derivative: use NumPy's functions instead of math's, "
            "assign it into np.zeros_like(dual) instead of a plain array, or take .primal for the value alone"
        )
