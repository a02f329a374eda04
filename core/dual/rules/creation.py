"""Functions that make arrays, for arrays of duals: lists in which duals stand, and blank arrays to assign duals into.

NumPy calls them with `like=` a dual; the namespace `dualtrain.core.dual.numpy` calls them by NumPy's names. An array of
floats that they make has no tangent yet, and gets one with the first dual that is assigned into it.
"""

from collections.abc import Iterable
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, blank_dual, plain, push
from dualtrain.core.dual.rules.combinators import Handler, floating_dtype


def has_dual(value: Any) -> bool:
    """Return whether a dual is in a value or in a nested list or tuple."""
    if isinstance(value, Dual):
        return True
    return isinstance(value, list | tuple) and any(has_dual(item) for item in value)


def assignable(array: Any) -> Any:
    """Return a dual without a tangent for an array of floats or complex numbers, and others as they are."""
    is_floating = isinstance(array, np.ndarray) and array.dtype.kind in "fc" and type(array) is np.ndarray
    return blank_dual(array) if is_floating else array


def array(
    object: Any, dtype: Any = None, *, copy: bool | None = True, order: Any = "K", subok: bool = False, ndmin: int = 0
) -> Tensor:
    """Return an array of numbers, arrays and duals in nested lists, as np.array does."""
    if not has_dual(object):
        return assignable(np.array(object, dtype, copy=copy, order=order, ndmin=ndmin))
    floating_dtype(dtype)
    result: Any
    dual: Any = object
    if isinstance(object, Dual):
        result = np.copy(dual, order) if copy else dual[...]
    else:
        if copy is False:
            raise ValueError("numpy.array of a list makes a copy: take copy=None")
        result = joined(object)
    if dtype is not None and result.dtype != np.dtype(dtype):
        result = np.astype(result, dtype)
    missing = ndmin - np.ndim(result)
    return np.reshape(result, (1,) * missing + np.shape(result)) if missing > 0 else result


def joined(items: Any) -> Tensor:
    """Return the array of a nested list of equal shapes, in which a dual stands."""
    parts = [joined(item) if isinstance(item, list | tuple) and has_dual(item) else item for item in items]
    values = np.array([plain(part) for part in parts])  # whose errors are NumPy's
    if values.dtype.kind not in "biufc":
        raise TypeError(f"an array of duals holds floats or complex numbers, not {values.dtype}")
    dtype = values.dtype if values.dtype.kind in "fc" else np.dtype(np.float64)
    return _collected(dtype, *parts)


def _collected(dtype: Any, *parts: Tensor) -> Tensor:
    def apply(*values: Tensor) -> Tensor:
        if any(isinstance(value, Dual) for value in values):
            return _collected(dtype, *values)
        return np.array(values, dtype)

    def rule(tangents: list[Tensor], out: Tensor, *values: Tensor) -> Tensor:
        tangent, value = next((t, v) for t, v in zip(tangents, values, strict=True) if t is not None)
        front = tangent.shape[: tangent.ndim - np.ndim(value)]
        zeros = np.zeros(front + np.shape(out)[1:], dtype)
        filled = [zeros if t is None else t for t in tangents]
        if any(isinstance(t, Dual) for t in filled):
            return np.stack(filled, axis=len(front))
        stacked = np.array(filled, dtype)
        return np.moveaxis(stacked, 0, len(front)) if front else stacked

    if len(parts) == 1:
        return np.astype(np.expand_dims(parts[0], 0), dtype)
    return push(apply, rule, parts)


def asarray(a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: bool | None = None) -> Tensor:
    """Return a dual as it is, a list with duals as an array of them, and all else as np.asarray does."""
    if not has_dual(a):
        return np.asarray(a, dtype, order, copy=copy)
    if not isinstance(a, Dual) or copy:
        return array(a, dtype, copy=True if copy else None, order=order or "K")
    floating_dtype(dtype)
    dual: Any = a
    result = dual if dtype is None or dual.dtype == np.dtype(dtype) else np.astype(dual, dtype)
    value = plain(result)
    if not isinstance(value, np.ndarray):
        return result[...]
    unordered = (order == "C" and not value.flags.c_contiguous) or (order == "F" and not value.flags.f_contiguous)
    return np.copy(result, order) if unordered else result


def _contiguous(order: str) -> Handler:
    def handle(a: Any, dtype: Any = None) -> Tensor:
        return np.atleast_1d(asarray(a, dtype, order))

    return handle


def _require(a: Any, dtype: Any = None, requirements: Any = None) -> Tensor:
    parts = [requirements] if isinstance(requirements, str) else requirements or []
    letters = {part[:1].upper() for part in parts}
    return asarray(a, dtype, "F" if "F" in letters else "C" if "C" in letters else None)


def _made(function: Handler) -> Handler:
    """Return the rule of a function that makes an array of plain arguments: the array may be assigned duals."""

    def handle(*args: Any, **options: Any) -> Tensor:
        return assignable(function(*plain(args), **plain(options)))

    return handle


def full(shape: Any, fill_value: Any, dtype: Any = None, order: Any = "C") -> Tensor:
    """Return an array of one value, which may be a dual."""
    if not has_dual(fill_value):
        return assignable(np.full(shape, fill_value, dtype, order))
    floating_dtype(dtype)
    value = asarray(fill_value, dtype)
    out: Any = blank_dual(np.empty(shape, value.dtype, order))
    out[...] = value
    return out


def fromiter(iter: Iterable[Any], dtype: Any = None, count: int = -1) -> Tensor:
    items = [item for _, item in zip(range(count), iter, strict=False)] if count >= 0 else list(iter)
    return array(items, dtype) if has_dual(items) else assignable(np.fromiter(items, dtype, count))


RULES: dict[Any, Handler] = {
    np.array: array,
    np.asarray: asarray,
    np.asanyarray: asarray,
    np.ascontiguousarray: _contiguous("C"),
    np.asfortranarray: _contiguous("F"),
    np.require: _require,
    np.full: full,
    np.fromiter: fromiter,
    **{function: _made(function) for function in (np.zeros, np.ones, np.empty, np.eye, np.identity, np.tri, np.arange)},
}
