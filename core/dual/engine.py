"""The one place where derivatives are pushed: levels, direction axes and structured tangents.

Every call of `jvp` opens a level of its own. A function of several duals differentiates those of the highest level;
whatever belongs to a lower level is a constant there and is differentiated inside (so `D(x·D(x+y))` is 1, not 2).
A rule is a function `(tangents, out, *reals) -> tangent`, where a tangent is None for a constant and
`(*directions, *shape)` else.
"""

from collections.abc import Callable, Sequence
from itertools import count
from math import prod
from typing import Any, TypeAlias

import numpy as np

from dualtrain.core.dual.structured import Structure, Zero, densified
from dualtrain.core.dual.views import is_laid_out_as, mirror, root_of, shares_memory, tie, window

Tensor: TypeAlias = Any  # an ndarray, or a dual of a lower level: rules are written for both alike
Rule: TypeAlias = Callable[..., Tensor]
LEVELS = count(1)  # every call of jvp takes the next, so it is higher than that of every call around it


class Dual:
    """What a DualTensor and a DualNumber hold: a value, its tangent, and the level the tangent belongs to."""

    __slots__ = ("__weakref__", "level", "primal", "root", "stored_tangent", "views")
    primal: Any
    stored_tangent: Any  # an array, or a Structure that stands for one
    level: int
    root: "Dual"  # of a view alone
    views: Any  # of a root, from its first view on
    rank = 0  # of several classes in one call the highest decides the result's

    def like(self, primal: Tensor, tangent: Tensor) -> "Dual":
        """A dual of the same level."""
        raise NotImplementedError

    @property
    def tangent(self) -> Tensor:
        """The tangent as a dense array `(*directions, *shape)`."""
        return densified(self.stored_tangent, self)

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


DENSE = (np.ndarray, Dual)


def push(
    function: Callable[..., Tensor], rule: Rule, operands: Sequence[Tensor], *, structured: bool = False
) -> Tensor:
    """`function(*operands)` with the tangent that `rule` gives; a plain result where no operand carries a tangent.

    Structured tangents are handed on as they are only to a rule that says it is `structured`.
    """
    if len(operands) == 1:
        return push_one(function, rule, operands[0], structured)
    top = leading(operands)
    if top is None:
        return function(*operands)
    mine = [isinstance(x, Dual) and x.level == top.level for x in operands]
    primals = [x.primal if own else x for x, own in zip(operands, mine, strict=True)]
    tangents = [tangent_of(x, structured=structured) if own else None for x, own in zip(operands, mine, strict=True)]
    out = function(*primals)
    if all(t is None for t in tangents):
        return out
    tangent = rule(aligned(tangents, primals), out, *primals)
    for given in tangents:
        tangent = apart(tangent, given)
    return top.like(out, tangent)


def push_one(function: Callable[..., Tensor], rule: Rule, x: Tensor, structured: bool) -> Tensor:
    """`push` of one operand: a view of it if the function's value is one, and a copy if not."""
    if not isinstance(x, Dual):
        return function(x)
    tangent = tangent_of(x, structured=structured)
    out = function(x.primal)
    if not isinstance(out, DENSE):  # a scalar
        return out if tangent is None else x.like(out, apart(rule([tangent], out, x.primal), tangent))
    if changeable(x) and shares_memory(plain(out), plain(x)):
        return view_of(x, out, tangent, rule)
    if tangent is None:
        return x.like(out, x.stored_tangent)
    return x.like(out, apart(rule([tangent], out, x.primal), tangent))


def of_view(x: Dual, out: Tensor, tangent: Tensor, rule: Rule) -> Tensor:
    """The tangent of a view, by the rule."""
    return x.stored_tangent if tangent is None else rule([tangent], out, x.primal)


def view_of(x: Dual, out: Tensor, tangent: Tensor, rule: Rule) -> Dual:
    """The view of x whose value is `out`."""
    root = root_of(x)
    if type(out) is np.ndarray and (tangent is None or type(tangent) is np.ndarray):  # the quick way, if it is right
        mirror(root)
        made = of_view(x, out, tangent if tangent is None else x.stored_tangent, rule)
        if tangent is None or (is_laid_out_as(made, out) and shares_memory(made, x.stored_tangent)):
            return tie(x.like(out, made), root)
    mirror(root)
    return window(root, plain(out))


def apart(made: Any, tangent: Any) -> Any:
    """A tangent that a rule made of another, as an array of its own unless nobody can write into the other."""
    if type(tangent) is np.ndarray and not tangent.flags.writeable:
        return made
    if made is not tangent and getattr(made, "base", made) is None:
        return made
    if isinstance(made, Structure) or not isinstance(tangent, DENSE) or not isinstance(made, DENSE):
        return made
    theirs = plain(tangent)
    if not theirs.flags.writeable or not np.may_share_memory(plain(made), theirs):
        return made
    return np.copy(made)  # type: ignore[arg-type]


def level_above(*parts: Tensor) -> int:
    """The level of a dual with these parts that somebody makes: the lowest, or a new one around other duals."""
    return next(LEVELS) if any(isinstance(part, Dual) for part in parts) else 0


def leading(operands: Sequence[Tensor]) -> Dual | None:
    """The dual that decides on level and class of the result: of the highest level, a tensor before a number."""
    top: Dual | None = None
    for x in operands:
        if isinstance(x, Dual) and (top is None or (x.level, x.rank) > (top.level, top.rank)):
            top = x
    return top


def tangent_of(x: Dual, *, structured: bool = False) -> Tensor | None:
    """The tangent of a dual: dense unless asked otherwise, None where it is known to be zero."""
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
    """Whether it can be assigned into, unlike the arguments of a function that `jvp` calls."""
    return bool(plain(x).flags.writeable)


def changeable(x: Dual) -> bool:
    """Whether its elements may still change: it, or the dual of which it is a view, can be assigned into."""
    value = x.primal
    while isinstance(value, Dual):
        value = value.primal
    return value.flags.writeable or getattr(x, "root", None) is not None


def aligned(tangents: list[Tensor | None], primals: Sequence[Tensor]) -> list[Tensor | None]:
    """The dense tangents with the same direction axes, by broadcasting; others pass."""
    shapes = {directions(t, x) for t, x in zip(tangents, primals, strict=True) if isinstance(t, DENSE)}
    if len(shapes) < 2:
        return tangents
    common = np.broadcast_shapes(*shapes)
    return [t if t is None else redirect(t, np.ndim(x), common) for t, x in zip(tangents, primals, strict=True)]


def plain(x: Any) -> Any:
    """The value of a dual of any level, and of every dual in a list, tuple or dictionary."""
    if isinstance(x, Dual):
        return plain(x.primal)
    if isinstance(x, list | tuple):
        return type(x)(plain(one) for one in x)
    if isinstance(x, dict):
        return {name: plain(one) for name, one in x.items()}
    return x


def directions(tangent: Tensor, primal: Tensor) -> tuple[int, ...]:
    """The direction axes of a dense tangent."""
    return tangent.shape[: tangent.ndim - primal.ndim]  # type: ignore[no-any-return]


def redirect(tangent: Tensor, ndim: int, to: tuple[int, ...]) -> Tensor:
    """The tangent of an `ndim`-dimensional value broadcast to other direction axes."""
    shape = tangent.shape[tangent.ndim - ndim :]
    return np.broadcast_to(tangent, to + shape)


def spread(tangent: Tensor, ndim: int, to: int) -> Tensor:
    """The tangent with axes of length 1 after its directions, as broadcasting puts them before a value's axes.

    Without them `(3,)·(2,3)` with two directions gives a plausible wrong shape instead of an error.
    """
    if ndim == to:
        return tangent
    count = tangent.ndim - ndim
    shape = tangent.shape
    return np.reshape(tangent, shape[:count] + (1,) * (to - ndim) + shape[count:])


def each(function: Callable[[Tensor], Tensor], tangent: Tensor, ndim: int) -> Tensor:
    """A function that is linear in one tangent, applied to every direction on its own."""
    count = tangent.ndim - ndim
    if count == 0:
        return function(tangent)
    front, shape = tangent.shape[:count], tangent.shape[count:]
    flat = folded(tangent, 0, count)
    rows = [function(flat[k]) for k in range(len(flat))]
    found = np.stack(rows or [function(np.zeros(shape, tangent.dtype))])  # which tells the shape where there are none
    return np.reshape(found[: len(rows)], front + found.shape[1:])


def folded(x: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
    """x with its axes from start to stop as one, whose length is told: -1 finds none where there are no elements."""
    shape = np.shape(x)
    start, stop, _ = slice(start, stop).indices(len(shape))
    return np.reshape(x, (*shape[:start], prod(shape[start:stop]), *shape[stop:]))
