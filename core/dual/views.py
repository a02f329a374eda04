"""Duals that are views of others: what an assignment makes of one of them, it makes of all.

NumPy's views share their elements, and so do those of values and of dense tangents. But an assignment may do more
than change elements: a dual without a tangent gets one, or more directions, and arrays inside become duals of a lower
level. So a view remembers whose it is and how it was taken: the whole is changed, and its views are taken again.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from dualtrain.core.dual.engine import Dual


def tie(view: "Dual", whole: "Dual", again: Callable[[], "Dual"]) -> "Dual":
    """The dual as a view of the whole, which `again` takes of it."""
    view.whole, view.again = whole, again
    if views_of(whole) is None:
        whole.views = WeakValueDictionary()
    whole.views[id(view)] = view
    return view


def views_of(x: "Dual") -> Any:
    return getattr(x, "views", None)


def root(x: "Dual") -> "Dual":
    """What x is, at last, a view of; x itself if it is none."""
    while (whole := getattr(x, "whole", None)) is not None:
        x = whole
    return x


def retake(x: "Dual") -> None:
    """Every view of x, and every view of one, as x is now."""
    for view in list((views_of(x) or {}).values()):
        now = view.again()
        view.primal, view.stored_tangent, view.level = now.primal, now.stored_tangent, now.level
        retake(view)


def share(part: Any, whole: Any) -> bool:
    """Whether an array that was made of another alone is a view of it that can be assigned into."""
    base = getattr(part, "base", None)
    return (part is whole or (base is not None and (base is whole or base is whole.base))) and part.flags.writeable
