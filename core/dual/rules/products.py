"""Rules of products: matrices, vectors, Einstein sums. Each is linear in every operand."""

from typing import Any

import numpy as np

from core.dual.engine import Tensor, push, spread
from core.dual.rules.kinds import Handler, total
from core.dual.structure import EntrySeed, OuterTangent, Structure, UnitTangent, chosen


def matmul(a: Tensor, b: Tensor) -> Tensor:
    """`a @ b`; a structured tangent stays one where a single operand has it."""
    return push(np.matmul, matmul_rule, (a, b), structured=True)


def matmul_rule(tangents: list[Tensor], out: Tensor, a: Tensor, b: Tensor) -> Tensor:
    ta, tb = tangents
    if ta is None or tb is None:
        kept = from_left(ta, b) if tb is None else from_right(a, tb, b)
        if kept is not None:
            return kept
    ta, tb = densified(ta, a), densified(tb, b)
    return total(
        None if ta is None else left_product(ta, np.ndim(a), b, out), None if tb is None else right_product(a, tb, b)
    )


def from_left(ta: Tensor, b: Tensor) -> Structure | None:
    """The structured tangent of `a @ b` from that of a."""
    if b.ndim == 2 and isinstance(ta, UnitTangent):
        return OuterTangent(ta.values, b[ta.units])
    if b.ndim == 2 and isinstance(ta, OuterTangent):
        return OuterTangent(ta.values, ta.rows @ b)
    return None


def from_right(a: Tensor, tb: Tensor, b: Tensor) -> Structure | None:
    """The tangent of `a @ b` from entry seeds in b: each lives in one unit."""
    if isinstance(tb, EntrySeed) and b.ndim == 2:
        return UnitTangent(tb.columns, chosen(a, tb.rows))
    return None


def densified(tangent: Tensor, x: Tensor) -> Tensor:
    return tangent.dense(x.shape, x.dtype) if isinstance(tangent, Structure) else tangent


def left_product(ta: Tensor, ndim: int, b: Tensor, out: Tensor) -> Tensor:
    """The tangents of a times b: one product of matrices where b is one."""
    if b.ndim == 1:
        return ta @ b
    if b.ndim == 2:
        flat = np.reshape(ta, (-1, ta.shape[-1])) @ b
        return np.reshape(flat, ta.shape[:-1] + b.shape[-1:])
    if ndim == 1:
        return np.squeeze(spread(ta[..., None, :], 2, b.ndim) @ b, -2)
    return spread(ta, ndim, max(ndim, b.ndim)) @ b


def right_product(a: Tensor, tb: Tensor, b: Tensor) -> Tensor:
    """a times the tangents of b."""
    if b.ndim > 1:
        return a @ spread(tb, b.ndim, max(b.ndim, a.ndim))
    if a.ndim < 3:
        return tb @ np.transpose(a)
    return np.squeeze(a @ spread(tb[..., None], 2, a.ndim), -1)


UFUNCS: dict[Any, Handler] = {np.matmul: matmul}
RULES: dict[Any, Handler] = {}
