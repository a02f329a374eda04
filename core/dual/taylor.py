"""Taylor coefficients of any order along a direction, at a cost polynomial in the order; nesting costs 2ⁿ.

A Taylor tensor is a dual whose tangent holds the coefficients 1 to n as its directions. Functions that are linear in
their array, as indexing, sums and transforms are, push them as they push directions. Products are Cauchy's. A function
of each element with the partial derivative p satisfies y' = p·x', so k·y_k = Σ_j j·x_j·p_(k-j), where p is computed by
the same arithmetic from the coefficients below k (Griewank and Walther 2008, chapter 13).
"""

from collections.abc import Callable
from typing import Any

import numpy as np

from dualtrain.core.dual.dispatch import call_function, call_ufunc
from dualtrain.core.dual.engine import LEVELS, Dual, Tensor
from dualtrain.core.dual.rules import (
    CONSTANT_FUNCTIONS,
    CONSTANT_UFUNCS,
    accumulations,
    assignment,
    fourier,
    joining,
    padding,
    reductions,
    selection,
    shapes,
)
from dualtrain.core.dual.series import NONLINEAR, apply_ufunc
from dualtrain.core.dual.tensor import DualTensor, as_floating
from dualtrain.core.dual.transforms import counted_depth, value_of_result
from dualtrain.core.dual.trees import map_leaves

_LINEAR: set[Any] = {
    *shapes.RULES, *joining.RULES, *selection.RULES, *assignment.RULES, *fourier.RULES, *padding.RULES,
    *(reductions.RULES.keys() - {np.var, np.std, np.prod}),
    *(accumulations.RULES.keys() - {np.cumprod, np.cumulative_prod}),
    np.diff, np.ediff1d, np.trapezoid, np.real, np.imag, np.nansum, np.nanmean, np.nan_to_num, np.apply_along_axis,
    np.piecewise, np.gradient,
}  # fmt: skip
_COMPOSED: set[Any] = {  # of products and functions of each element
    np.inner, np.outer, np.vdot, np.tensordot, np.kron, np.cross, np.polyval, np.linalg.norm, np.vander,
    np.linalg.vector_norm, np.sinc, np.linalg.multi_dot, np.linalg.matrix_power, np.linspace, np.interp,
}  # fmt: skip


class TaylorTensor(DualTensor):
    """A tensor of truncated Taylor series: its value, and the coefficients 1 to n in the place of directions."""

    __slots__ = ()
    rank = 2

    def like(self, primal: Tensor, tangent: Tensor) -> "TaylorTensor":
        result = object.__new__(TaylorTensor)
        result.primal = primal
        result.stored_tangent = tangent
        result.level = self.level
        return result

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        if method == "__call__" and ufunc not in CONSTANT_UFUNCS and set(options) <= {"out"}:
            result = apply_ufunc(ufunc, inputs)
            if "out" not in options:
                return result
            options["out"][0][...] = result
            return options["out"][0]
        if method != "__call__" and (ufunc, method) != (np.add, "reduce"):
            raise TypeError(f"taylor has no rule for numpy.{ufunc.__name__}.{method}: nest derivatives instead")
        return call_ufunc(ufunc, method, inputs, options)

    def __array_function__(self, function: Any, types: Any, args: Any, options: dict[str, Any]) -> Any:
        rule = NONLINEAR.get(function)
        if rule is not None:
            return rule(*args, **options)
        if function not in _LINEAR and function not in _COMPOSED and function not in CONSTANT_FUNCTIONS:
            raise TypeError(
                f"taylor has no rule for {function.__module__}.{function.__name__}: nest derivatives instead"
            )
        return call_function(function, args, options)

    def __pow__(self, other: Any) -> Any:
        return np.power(self, other)


def taylor(f: Callable[..., Any], x: Any, direction: Any = None, order: int = 3) -> Any:
    """Return the Taylor coefficients of `f(x + t·direction)` at t = 0, `(order + 1, *value.shape)`.

    Coefficient k is the kth derivative along the direction, by default ones, over k!. Functions without a rule for
    series (decompositions of matrices, products over an axis) raise TypeError: nest `derivative` or `jvp` for these.

    >>> taylor(np.exp, 0.0, order=4) * [1, 1, 2, 6, 24]
    array([1., 1., 1., 1., 1.])
    """
    primal = as_floating(x)
    primal = primal if isinstance(x, np.ndarray | Dual) else primal[()]
    first = np.ones(np.shape(primal)) if direction is None else np.asarray(direction, float)
    if order < 1:
        raise ValueError(f"taylor takes an order of 1 or more, not {order}")
    argument = object.__new__(TaylorTensor)
    argument.primal = primal
    argument.level = next(LEVELS)
    argument.stored_tangent = np.stack([first, *[np.zeros_like(first)] * (order - 1)]).astype(primal.dtype)
    with counted_depth():
        result = f(argument)

    def coefficients(part: Any) -> Any:
        if isinstance(part, Dual) and part.level == argument.level:
            return np.concatenate([np.expand_dims(part.primal, 0), np.broadcast_to(part.tangent, (order, *part.shape))])
        value = np.asarray(value_of_result(part))
        return np.concatenate([value[None], np.zeros((order, *value.shape), value.dtype)])

    return map_leaves(coefficients, result)
