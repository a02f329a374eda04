"""Building blocks of the rules of array functions. A handler computes a call with duals among its arguments."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal

import numpy as np

from dualtrain.core.dual.directions import (
    map_directions,
)
from dualtrain.core.dual.engine import (
    Dual,
    Tensor,
    blank_dual,
    plain,
    push,
)
from dualtrain.core.dual.rules.indexing import plain_index

Handler = Callable[..., Any]


def linear(function: Handler) -> Handler:
    """Return a function linear in its first argument, applied to every direction on its own."""

    def handle(x: Tensor, *args: Any, **options: Any) -> Tensor:
        def apply(array: Tensor) -> Tensor:
            return function(array, *args, **options)

        return push(apply, lambda tangents, out, primal: map_directions(apply, tangents[0], np.ndim(primal)), (x,))

    return handle


def bilinear(function: Handler) -> Handler:
    """Return a function linear in each of its first two arguments: `f(ta, b) + f(a, tb)`."""

    def handle(a: Tensor, b: Tensor, *args: Any, **options: Any) -> Tensor:
        def apply(a: Tensor, b: Tensor) -> Tensor:
            return function(a, b, *args, **options)

        def rule(tangents: list[Tensor], out: Tensor, a: Tensor, b: Tensor) -> Tensor:
            ta, tb = tangents
            left = None if ta is None else map_directions(lambda t: apply(t, b), ta, np.ndim(a))
            right = None if tb is None else map_directions(lambda t: apply(a, t), tb, np.ndim(b))
            return add_terms(left, right)

        return push(apply, rule, (a, b))

    return handle


def of_arrays(function: Handler) -> Handler:
    """Return a function whose first two arguments are arrays, and may come as lists."""

    def handle(a: Tensor, b: Tensor, *args: Any, **options: Any) -> Any:
        return function(as_array(a), as_array(b), *args, **options)

    return handle


def as_array(x: Any) -> Tensor:
    """Return x as an array; a dual as it is."""
    return x if isinstance(x, Dual) else np.asarray(x)


def add_terms(*terms: Tensor) -> Tensor:
    """Return the sum of the terms that are not None; at least one is not."""
    present = [term for term in terms if term is not None]
    return sum(present[1:], start=present[0])


def axiswise(
    function: Handler, position: int, default: Any, none: Literal["all", "ravel"] = "all", name: str = "axis"
) -> Handler:
    """Return a linear function along axes: counted from the end, they are the same for a value and for its tangents.

    `position` is that of the axis among the arguments after the array; `none` says what an axis of None means.
    """

    def handle(x: Tensor, *args: Any, **options: Any) -> Tensor:
        axis = args[position] if len(args) > position else options.pop(name, default)
        if axis is None and none == "ravel":
            x, axis = np.ravel(x), -1
        options |= {name: negative_axes(axis, np.ndim(x))}
        before, after = args[:position], args[position + 1 :]
        if after:
            before, after = (*before, options.pop(name), *after), ()

        def apply(array: Tensor) -> Tensor:
            return function(array, *before, **options)

        return push(apply, lambda tangents, out, primal: apply(tangents[0]), (x,))

    return handle


def as_dtype(x: Tensor, dtype: Any) -> Tensor:
    """Return x in the type of a result, if one is given."""
    return x if floating_dtype(dtype) is None else np.astype(x, dtype)


def floating_dtype(dtype: Any) -> Any:
    """Return the type, or None for any; TypeError for one that holds no derivative."""
    if dtype is not None and np.dtype(dtype).kind not in "fc":
        raise TypeError(
            f"dtype={np.dtype(dtype)} would drop the derivative: take floats, or give the function .primal instead"
        )
    return dtype


def reshaping(function: Handler) -> Handler:
    """Return a function that keeps all elements in their C order."""

    def handle(x: Tensor, *args: Any, **options: Any) -> Tensor:
        def rule(tangents: list[Tensor], out: Tensor, primal: Tensor) -> Tensor:
            tangent = tangents[0]
            return np.reshape(tangent, tangent.shape[: tangent.ndim - np.ndim(primal)] + out.shape)

        return push(lambda array: function(array, *args, **options), rule, (x,))

    return handle


def gathering(function: Handler) -> Handler:
    """Return the rule of a function that only selects elements: it is applied to their numbers, then indexed once."""

    def handle(x: Tensor, *args: Any, **options: Any) -> Tensor:
        return gathered(lambda numbers: function(numbers, *plain_index(args), **options), x)

    return handle


def gathered(function: Handler, *arrays: Tensor) -> Tensor:
    """Return the same of several arrays, whose elements are numbered one array after the other."""
    starts = np.cumsum([0, *(np.size(x) for x in arrays)])
    numbers = [_numbered(x, start) for start, x in zip(starts, arrays, strict=False)]
    flat = [np.ravel(x) for x in arrays]
    return (np.concatenate(flat) if len(flat) > 1 else flat[0])[function(*numbers)]


def _numbered(x: Tensor, start: int = 0) -> Any:
    """Return the numbers of the elements in C order, in an array that is contiguous in the order of x."""
    value = np.asarray(plain(x))
    numbers = np.empty(value.shape, np.intp, "F" if value.flags.fnc else "C")
    numbers[...] = np.arange(start, start + numbers.size).reshape(numbers.shape)
    return numbers


def in_layout(x: Tensor, like: Tensor) -> Tensor:
    """Return x in memory as a copy of an array of its shape, `like.copy(order="K")`, lies."""
    value = plain(like)
    if value.flags.c_contiguous:
        return x
    if plain(x).strides == np.empty_like(value).strides:
        return x
    out = np.empty_like(like, dtype=x.dtype)
    out[...] = x
    return out


def in_numpys_layout(function: Handler, handler: Handler) -> Handler:
    """Return a handler whose results of several axes lie in memory as NumPy's do, which decides on later views."""

    @wraps(handler)
    def handle(*args: Any, **options: Any) -> Any:
        result = handler(*args, **options)
        if not isinstance(result, Dual) or result.ndim < 2:
            return result
        value = function(*plain(args), **plain(options))
        if value.strides == plain(result).strides:
            return result
        out: Any = blank_dual(np.empty_like(value))
        out[...] = result
        return out

    return handle


def in_order(x: Tensor, like: Tensor) -> Tensor:
    """Return x contiguous in Fortran's order if another array is that alone, and in C order if not."""
    flags = plain(x).flags
    if plain(like).flags.fnc:
        return x if flags.f_contiguous else np.copy(x, "F")
    return x if flags.c_contiguous else np.copy(x, "C")


def negative_axes(axis: Any, ndim: int) -> Any:
    """Return axes as negative numbers, or all of them for None; raise `numpy.exceptions.AxisError`."""
    if axis is None:
        return tuple(range(-ndim, 0))
    if np.ndim(axis):
        return tuple(negative_axes(item, ndim) for item in axis)
    return np.lib.array_utils.normalize_axis_index(axis, ndim) - ndim
