"""What a dual refuses, because it would drop the derivative: becoming a plain number or array."""

from typing import Any, NoReturn


class Refusing:
    """Conversions that raise TypeError and say what to do instead."""

    __slots__ = ()

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} does not become a NumPy array, which would drop its derivative: "
            "join duals with np.stack, assign into np.zeros_like(dual), or take .real for the value alone"
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
            "assign it into np.zeros_like(dual) instead of a plain array, or take .real for the value alone"
        )
