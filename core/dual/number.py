"""Dual numbers a + bε with ε² = 0."""

from numbers import Number
from typing import Any

import numpy as np

from dualtrain.core.dual.dispatch import call_function, call_ufunc
from dualtrain.core.dual.engine import Dual, Tensor, level_above, plain
from dualtrain.core.dual.tensor import DualTensor, value_and_tangent
from dualtrain.core.dual.unsupported import Refusing, check_plain_arrays

_DIVISIONS = {np.divide, np.floor_divide, np.remainder, np.fmod, np.divmod}
_POWERS = {np.power, np.float_power}


class DualNumber(Refusing, Dual, np.lib.mixins.NDArrayOperatorsMixin):
    """The dual number a + bε: `primal` is a, `tangent` is b; NumPy's ufuncs give f(a) + f'(a)bε.

    Numbers are equal when both parts are. Dividing by a number whose `primal` is 0 raises ZeroDivisionError, as with
    Python's numbers, be it by an operator or a ufunc, a negative power too: the multiples of ε have no inverse, so dual
    numbers are a ring and not a field. `real` and `imag` are the parts of a complex a + bε, dual numbers themselves.

    >>> (2 + 3 * eps) ** 2
    DualNumber(4.0, 12.0)
    >>> 3 * np.exp(np.sin(0 + eps)) + np.sin(eps) ** 2
    DualNumber(3.0, 3.0)
    """

    __slots__ = ()

    def __init__(self, primal: Any, tangent: Any = 0) -> None:
        value, tangent = value_and_tangent(primal, tangent)
        if np.ndim(value) or np.ndim(tangent):
            raise ValueError(f"a DualNumber has numbers as its parts, not shape {np.shape(value)}: use DualTensor")
        self.primal, self.stored_tangent = (x if isinstance(x, Dual) else x[()] for x in (value, tangent))
        self.level = level_above(value, tangent)

    def like(self, primal: Tensor, tangent: Tensor) -> Dual:
        result: Any = object.__new__(DualTensor if np.ndim(primal) else DualNumber)
        result.primal, result.stored_tangent, result.level = primal, tangent, self.level
        return result  # type: ignore[no-any-return]

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if not any(isinstance(x, DualTensor) or np.ndim(x) for x in inputs):
            _forbid_division_by_zero(ufunc, inputs)
        return call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: dict[str, Any]) -> Any:
        check_plain_arrays(types)
        return call_function(function, args, options)

    def __eq__(self, other: object) -> Any:
        if isinstance(other, DualNumber):
            return bool(self.primal == other.primal and self.tangent == other.tangent)
        if isinstance(other, Number | np.generic):
            return bool(self.primal == other and self.tangent == 0)
        return plain(self).__eq__(plain(other))  # NumPy's answer, to what is no number either

    def __ne__(self, other: object) -> Any:
        return np.logical_not(self == other)[()]

    def __hash__(self) -> int:
        return hash(self.primal) if self.tangent == 0 else hash((self.primal, self.tangent))

    def __bool__(self) -> bool:
        return bool(self.primal != 0 or self.tangent != 0)

    def __repr__(self) -> str:
        return f"DualNumber({_number_repr(self.primal)}, {_number_repr(self.tangent)})"


eps = DualNumber(0, 1)


def _number_repr(x: Any) -> str:
    return repr(x) if isinstance(x, Dual) else repr(x.item())


def _forbid_division_by_zero(ufunc: Any, inputs: tuple[Any, ...]) -> None:
    """Raise ZeroDivisionError for a dual number that has no inverse."""
    inverse = ufunc is np.reciprocal or (ufunc in _POWERS and np.real(plain(inputs[1])) < 0)
    divisor = inputs[1] if ufunc in _DIVISIONS else inputs[0] if inverse else 1
    if plain(divisor) == 0:
        raise ZeroDivisionError(
            f"{divisor!r} has no inverse: its primal is 0, and a multiple of eps times any dual number is never 1"
        )
