"""Duals that share elements, as NumPy's views share theirs.

The value decides: a result is a view of a dual if NumPy's result for the plain value shares memory with that value,
and a copy if not. All other arrays of the dual (its tangent, the values and tangents of duals inside it) are laid out
in memory as the value is, behind their direction axes; so a view of them is the same window: the same offset and
strides.

An assignment may do more than change elements: a dual without a tangent gets one, or more directions, and arrays
inside become duals of a lower level. Therefore each view refers to its root, the dual that is no view; the root is
changed, and the windows of all its views are taken again.
"""

from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

import numpy as np

from dualtrain.core.dual.structured import Structure, Zero

if TYPE_CHECKING:
    from dualtrain.core.dual.engine import Dual


def shares_memory(part: Any, whole: Any) -> bool:
    """Return whether an array that was computed from another alone is a view of it."""
    if part is whole:
        return isinstance(part, np.ndarray)
    return getattr(part, "base", None) is not None and bool(np.may_share_memory(part, whole))


def root_of(x: "Dual") -> "Dual":
    """Return the dual that x is a view of; x itself if it is none."""
    root = getattr(x, "root", None)
    return x if root is None else root


def _views_of(x: "Dual") -> Any:
    """Return the views of a root by their ids, None before the first."""
    return getattr(x, "views", None)


def tie(view: "Dual", root: "Dual") -> "Dual":
    """Register a dual as a view of a root."""
    view.root = root
    if _views_of(root) is None:
        root.views = WeakValueDictionary()
    root.views[id(view)] = view
    return view


def retake(root: "Dual") -> None:
    """Take every view of a root from it again."""
    views = list((_views_of(root) or {}).values())
    if views:
        mirror(root)
    for view in views:
        now = window(root, _value_of(view))
        view.primal = now.primal
        view.stored_tangent = now.stored_tangent
        view.level = now.level


def _value_of(x: Any) -> Any:
    """Return the plain value of a dual, or an array itself."""
    while not isinstance(x, np.ndarray | np.generic):
        x = x.primal
    return x


def window(root: "Dual", part: Any) -> "Dual":
    """Return the view of a mirrored root whose plain value is `part`."""
    value = _value_of(root)
    primal = part if isinstance(root.primal, np.ndarray) else window(root.primal, part)
    return tie(root.like(primal, _window_of_tangent(root.stored_tangent, value, part)), root)


def _window_of_tangent(tangent: Any, value: Any, part: Any) -> Any:
    if isinstance(tangent, Zero):
        return tangent
    if isinstance(tangent, np.ndarray):
        return _window_of_array(tangent, value, part)
    return window(tangent, _window_of_array(_value_of(tangent), value, part))


class _Memory:
    """An owner of memory, as NumPy's array interface describes it."""

    def __init__(self, interface: dict[str, Any], base: Any) -> None:
        self.__array_interface__ = interface
        self.base = base


def _window_of_array(array: Any, value: Any, part: Any) -> Any:
    """Return the window of an array laid out as `value`, behind its direction axes, that `part` is of the value."""
    front = array.ndim - value.ndim
    shape = array.shape[:front] + part.shape
    if part.size == 0 or array.size == 0:
        return np.empty(shape, part.dtype)
    offset = _address(part) - _address(value)
    interface = {
        "version": 3,
        "typestr": part.dtype.str,
        "data": (_address(array) + offset, False),
        "shape": shape,
        "strides": array.strides[:front] + part.strides,
    }
    return np.asarray(_Memory(interface, array))


def _address(array: Any) -> int:
    return array.__array_interface__["data"][0]  # type: ignore[no-any-return]


def mirror(x: "Dual") -> None:
    """Lay all arrays of a dual out in memory as its plain value is, so that windows can be taken of them."""
    if not isinstance(x.primal, np.ndarray):
        mirror(x.primal)
    tangent = x.stored_tangent
    if isinstance(tangent, Structure) and not isinstance(tangent, Zero):
        tangent = tangent.dense(x.primal.shape, x.primal.dtype)
    value = _value_of(x)
    x.stored_tangent = tangent if is_laid_out_as(tangent, value) else _laid_out_as(tangent, value)


def is_laid_out_as(tangent: Any, value: Any) -> bool:
    """Return whether a tangent has the strides and the type of a value, and can be written into."""
    if isinstance(tangent, Structure):
        return isinstance(tangent, Zero)
    if isinstance(tangent, np.generic):
        return False
    if not isinstance(tangent, np.ndarray):
        parts = tangent.primal, tangent.stored_tangent
        return all(is_laid_out_as(part, value) for part in parts)
    if not tangent.flags.writeable or tangent.dtype != value.dtype:
        return False
    strides = tangent.strides[tangent.ndim - value.ndim :]
    if strides == value.strides:
        return True
    triples = zip(value.shape, strides, value.strides, strict=True)
    return all(own == other or length < 2 for length, own, other in triples)


def _laid_out_as(tangent: Any, value: Any) -> Any:
    """Return a copy of a tangent that lies in memory, behind its direction axes, as a value does."""
    if isinstance(tangent, Zero):
        return tangent
    if isinstance(tangent, Structure):
        raise TypeError("a structured tangent has no layout in memory")
    if not isinstance(tangent, np.ndarray | np.generic):
        inner = tangent.stored_tangent
        if isinstance(inner, Structure) and not isinstance(inner, Zero):
            inner = inner.dense(tangent.primal.shape, tangent.primal.dtype)
        return tangent.like(_laid_out_as(tangent.primal, value), _laid_out_as(inner, value))
    array = _filled_like(tangent.shape[: tangent.ndim - value.ndim], value)
    array[...] = tangent
    return array


def _filled_like(front: tuple[int, ...], value: Any) -> Any:
    """Return an array `(*front, *value.shape)` whose last axes have the strides of the value."""
    if value.size == 0:
        return np.empty(front + value.shape, value.dtype)
    ends = [stride * (length - 1) for stride, length in zip(value.strides, value.shape, strict=True)]
    before = -sum(end for end in ends if end < 0)
    after = sum(end for end in ends if end > 0)
    length = -(-(before + after + value.itemsize) // value.itemsize)
    memory = np.empty((*front, length), value.dtype)
    strides = memory.strides[: len(front)] + value.strides
    return np.ndarray(front + value.shape, value.dtype, memory, before, strides)
