"""The one place where derivatives are pushed: levels, direction axes and structured tangents.

Every call of `jvp` opens a level of its own. A function of several duals differentiates those of the highest level;
whatever belongs to a lower level is a constant there and is differentiated inside (so `D(x·D(x+y))` is 1, not 2).
A rule is a function `(tangents, out, *reals) -> tangent`, where a tangent is None for a constant and
`(*directions, *shape)` else.
"""

from collections.abc import Callable, Sequence
from itertools import count
from typing import Any, TypeAlias

import numpy as np

from dualtrain.core.dual.directions import broadcast_directions
from dualtrain.core.dual.structured import Structure, Zero, to_dense
from dualtrain.core.dual.views import is_laid_out_as, mirror, root_of, shares_memory, tie, window

Tensor: TypeAlias = Any  # an ndarray, or a dual of a lower level: rules are written for both
_Rule: TypeAlias = Callable[..., Tensor]
LEVELS = count(1)  # every call of jvp takes the next, so it is higher than that of every call around it


class Dual:
    """Common base of DualTensor and DualNumber: a value, its tangent, and the level the tangent belongs to."""

    __slots__ = ("__weakref__", "changes", "level", "origin", "primal", "root", "stored_tangent", "views")
    primal: Any
    stored_tangent: Any  # an array, or a Structure that stands for one
    level: int
    root: "Dual"  # of a view alone
    views: Any  # of a root, from its first view on
    changes: int  # of a root, how often it or a view of it was assigned into
    origin: Any  # what a result with zeros was computed from, see squares.py
    rank = 0  # of several classes in one call the highest decides the result's

    def like(self, primal: Tensor, tangent: Tensor) -> "Dual":
        """Return a dual of the same level."""
        raise NotImplementedError

    @property
    def tangent(self) -> Tensor:
        """The tangent as a dense array `(*directions, *shape)`."""
        return to_dense(self.stored_tangent, self)

    @property
    def real(self) -> Any:
        """The real part with its tangent; of an array a view, as NumPy's is."""
        return np.real(self)

    @property
    def imag(self) -> Any:
        """The imaginary part with its tangent; of an array a view, as NumPy's is."""
        return np.imag(self)

    @property
    def shape(self) -> tuple[int, ...]:
        return self.primal.shape  # type: ignore[no-any-return]

    @property
    def ndim(self) -> int:
        return self.primal.ndim  # type: ignore[no-any-return]

    @property
    def size(self) -> int:
        return self.primal.size  # type: ignore[no-any-return]

    @property
    def dtype(self) -> np.dtype[Any]:
        return self.primal.dtype  # type: ignore[no-any-return]

    @property
    def itemsize(self) -> int:
        """The bytes of an element of the value; each direction of the tangent has as many."""
        return self.dtype.itemsize

    @property
    def nbytes(self) -> int:
        """The bytes of the value; each direction of the tangent has as many."""
        return self.size * self.itemsize


_DENSE = (np.ndarray, Dual)


def push(
    function: Callable[..., Tensor], rule: _Rule, operands: Sequence[Tensor], *, structured: bool = False
) -> Tensor:
    """Return `function(*operands)` with the tangent that `rule` gives, or a plain result of plain operands.

    Structured tangents are handed on as they are only to a rule that says it is `structured`.
    """
    if len(operands) == 1:
        return _push_one(function, rule, operands[0], structured)
    top = leading(operands)
    if top is None:
        return function(*operands)
    mine = [isinstance(x, Dual) and x.level == top.level for x in operands]
    primals = [x.primal if own else x for x, own in zip(operands, mine, strict=True)]
    tangents = [tangent_of(x, structured=structured) if own else None for x, own in zip(operands, mine, strict=True)]
    out = function(*primals)
    if all(t is None for t in tangents):
        return out
    tangent = rule(broadcast_directions(tangents, primals), out, *primals)
    for given in tangents:
        tangent = _unshared(tangent, given)
    return top.like(out, tangent)


def _push_one(function: Callable[..., Tensor], rule: _Rule, x: Tensor, structured: bool) -> Tensor:
    """Push one operand. The result is a view of it if the function's value is one, and a copy if not."""
    if not isinstance(x, Dual):
        return function(x)
    tangent = tangent_of(x, structured=structured)
    out = function(x.primal)
    if not isinstance(out, _DENSE):  # a scalar
        return out if tangent is None else x.like(out, _unshared(rule([tangent], out, x.primal), tangent))
    if changeable(x) and shares_memory(plain(out), plain(x)):
        return _view_of(x, out, tangent, rule)
    if tangent is None:
        return x.like(out, x.stored_tangent)
    return x.like(out, _unshared(rule([tangent], out, x.primal), tangent))


def _of_view(x: Dual, out: Tensor, tangent: Tensor, rule: _Rule) -> Tensor:
    """Return the tangent of a view, by the rule."""
    return x.stored_tangent if tangent is None else rule([tangent], out, x.primal)


def _view_of(x: Dual, out: Tensor, tangent: Tensor, rule: _Rule) -> Dual:
    """Return the view of x whose value is `out`."""
    root = root_of(x)
    if type(out) is np.ndarray and (tangent is None or type(tangent) is np.ndarray):  # the quick way, if it is right
        mirror(root)
        result = _of_view(x, out, tangent if tangent is None else x.stored_tangent, rule)
        if tangent is None or (is_laid_out_as(result, out) and shares_memory(result, x.stored_tangent)):
            return tie(x.like(out, result), root)
    mirror(root)
    return window(root, plain(out))


def _unshared(result: Any, tangent: Any) -> Any:
    """Return the tangent that a rule computed from another, copied if both share memory that may be written into."""
    if type(tangent) is np.ndarray and not tangent.flags.writeable:
        return result
    if result is not tangent and getattr(result, "base", result) is None:
        return result
    if isinstance(result, Structure) or not isinstance(tangent, _DENSE) or not isinstance(result, _DENSE):
        return result
    theirs = plain(tangent)
    if not theirs.flags.writeable or not np.may_share_memory(plain(result), theirs):
        return result
    return np.copy(result)  # type: ignore[arg-type]


def blank_dual(array: Any) -> Dual:
    """Return a dual of an array that has no tangent yet; the first dual assigned into it decides on its level."""
    from dualtrain.core.dual.tensor import DualTensor

    dual = object.__new__(DualTensor)
    dual.primal = array
    dual.stored_tangent = Zero()
    dual.level = 0
    return dual


def level_above(*parts: Tensor) -> int:
    """Return the level of a new dual with these parts: the lowest, or a new one around other duals."""
    return next(LEVELS) if any(isinstance(part, Dual) for part in parts) else 0


def leading(operands: Sequence[Tensor]) -> Dual | None:
    """Return the dual that decides on level and class of the result: of the highest level, a tensor before a number."""
    top: Dual | None = None
    for x in operands:
        if isinstance(x, Dual) and (top is None or (x.level, x.rank) > (top.level, top.rank)):
            top = x
    return top


def tangent_of(x: Dual, *, structured: bool = False) -> Tensor | None:
    """Return the tangent of a dual: dense unless `structured`, None where it is known to be zero."""
    tangent = x.stored_tangent
    if type(tangent) is np.ndarray:
        return tangent
    if isinstance(tangent, Zero):
        return None
    if isinstance(tangent, Structure) and not structured:
        dense = tangent.dense(x.primal.shape, x.primal.dtype)
        if changeable(x):
            x.stored_tangent = dense  # of which views of x then hold views
        return dense
    return tangent


def writeable(x: Dual) -> bool:
    """Return whether it can be assigned into, unlike the arguments of a function that `jvp` calls."""
    return bool(plain(x).flags.writeable)


def changeable(x: Dual) -> bool:
    """Return whether its elements may still change: it, or the dual of which it is a view, can be assigned into."""
    value = x.primal
    while isinstance(value, Dual):
        value = value.primal
    return value.flags.writeable or getattr(x, "root", None) is not None


def plain(x: Any) -> Any:
    """Return the value of a dual of any level, and of every dual in a list, tuple or dictionary."""
    if isinstance(x, Dual):
        return plain(x.primal)
    if isinstance(x, list | tuple):
        return type(x)(plain(item) for item in x)
    if isinstance(x, dict):
        return {name: plain(item) for name, item in x.items()}
    return x
