"""Rules of products: matrices, vectors, Einstein sums. Each is linear in every operand."""

from math import prod
from string import ascii_letters, ascii_lowercase, ascii_uppercase
from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    insert_axes,
    merge_axes,
)
from dualtrain.core.dual.engine import (
    Tensor,
    push,
)
from dualtrain.core.dual.rules.combinators import Handler, add_terms, as_array, bilinear, negative_axes, of_arrays
from dualtrain.core.dual.structured import EntrySeed, Factored, Structure, UnitTangent, to_dense


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    """Return `a @ b`; a structured tangent stays one where a single operand has it."""
    return push(np.matmul, _matmul_rule, (a, b), structured=True)


def _matmul_rule(tangents: list[Tensor], out: Tensor, a: Tensor, b: Tensor) -> Tensor:
    ta, tb = tangents
    if ta is None or tb is None:
        selected = from_left(ta, b) if tb is None else _from_right(a, tb, b)
        if selected is not None:
            return selected
    ta, tb = to_dense(ta, a), to_dense(tb, b)
    return add_terms(
        None if ta is None else left_product(ta, np.ndim(a), b, out), None if tb is None else _right_product(a, tb, b)
    )


def from_left(ta: Tensor, b: Tensor) -> Structure | None:
    """Return the structured tangent of `a @ b` from that of a."""
    if b.ndim != 2 or not isinstance(ta, Factored):
        return None
    return ta.after(b) if isinstance(ta, UnitTangent) or type(b) is np.ndarray else None


def _from_right(a: Tensor, tb: Tensor, b: Tensor) -> Structure | None:
    """Return the tangent of `a @ b` from entry seeds in b: each lives in one unit."""
    if isinstance(tb, EntrySeed) and b.ndim == 2:
        return tb.after(a)
    return None


def left_product(ta: Tensor, ndim: int, b: Tensor, out: Tensor) -> Tensor:
    """Return the tangents of a times b: one product of matrices where b is one."""
    if b.ndim == 1:
        return ta @ b
    if b.ndim == 2:
        flat = merge_axes(ta, 0, -1) @ b
        return np.reshape(flat, ta.shape[:-1] + b.shape[-1:])
    if ndim == 1:
        return np.squeeze(insert_axes(ta[..., None, :], 2, b.ndim) @ b, -2)
    return insert_axes(ta, ndim, max(ndim, b.ndim)) @ b


def _right_product(a: Tensor, tb: Tensor, b: Tensor) -> Tensor:
    """Return a times the tangents of b."""
    if b.ndim > 1:
        return a @ insert_axes(tb, b.ndim, max(b.ndim, a.ndim))
    if a.ndim < 3:
        return tb @ a.T
    return np.squeeze(a @ insert_axes(tb[..., None], 2, a.ndim), -1)


def _vecdot(a: Tensor, b: Tensor, *, axis: int = -1) -> Tensor:
    """Return Σ conj(a)·b along an axis."""
    if axis != -1:
        a, b = np.moveaxis(a, axis, -1), np.moveaxis(b, axis, -1)
    return np.matmul(np.conjugate(a)[..., None, :], b[..., None])[..., 0, 0][()]


def _matvec(a: Tensor, b: Tensor) -> Tensor:
    return np.matmul(a, b[..., None])[..., 0]


def _vecmat(a: Tensor, b: Tensor) -> Tensor:
    return np.matmul(np.conjugate(a)[..., None, :], b)[..., 0, :]


def _dot(a: Tensor, b: Tensor) -> Tensor:
    a, b = as_array(a), as_array(b)
    if a.ndim == 0 or b.ndim == 0:
        return np.multiply(a, b)
    if b.ndim > 2:
        return np.tensordot(a, b, (-1, -2))
    return _matmul(a, b)


def inner(a: Tensor, b: Tensor) -> Tensor:
    a, b = as_array(a), as_array(b)
    return np.multiply(a, b) if np.ndim(a) == 0 or np.ndim(b) == 0 else np.tensordot(a, b, (-1, -1))[()]


def _tensordot(a: Tensor, b: Tensor, axes: Any = 2) -> Tensor:
    """Multiply both operands as matrices: the summed axes are last in the first and first in the second."""
    if not np.iterable(axes):
        axes = tuple(range(-axes, 0)), tuple(range(axes))
    over_a, over_b = (
        np.atleast_1d(negative_axes(item, np.ndim(x))).tolist() for x, item in ((a, axes[0]), (b, axes[1]))
    )
    kept_a, kept_b = ([i for i in range(-np.ndim(x), 0) if i not in over] for x, over in ((a, over_a), (b, over_b)))
    rows, columns = [np.shape(a)[i] for i in kept_a], [np.shape(b)[i] for i in kept_b]
    summed, other = [np.shape(a)[i] for i in over_a], [np.shape(b)[i] for i in over_b]
    if summed != other:
        raise ValueError(f"tensordot sums over axes of equal lengths, not over {summed} and {other}")
    left = np.reshape(np.transpose(a, kept_a + over_a), (prod(rows), prod(summed)))
    right = np.reshape(np.transpose(b, over_b + kept_b), (prod(summed), prod(columns)))
    return np.reshape(left @ right, rows + columns)


def _outer(a: Tensor, b: Tensor) -> Tensor:
    return np.multiply(np.ravel(a)[:, None], np.ravel(b))


def _vdot(a: Tensor, b: Tensor) -> Tensor:
    return np.dot(np.conjugate(np.ravel(a)), np.ravel(b))


def _kron(a: Tensor, b: Tensor) -> Tensor:
    a, b = as_array(a), as_array(b)
    ndim = max(np.ndim(a), np.ndim(b))
    shapes = [(1,) * (ndim - np.ndim(x)) + np.shape(x) for x in (a, b)]
    spaced = [[n for item in shapes[0] for n in (item, 1)], [n for item in shapes[1] for n in (1, item)]]
    product = np.reshape(a, spaced[0]) * np.reshape(b, spaced[1])
    return np.reshape(product, [m * n for m, n in zip(*shapes, strict=True)])


def _cross(a: Tensor, b: Tensor, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Tensor:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    lengths = np.shape(a)[-1], np.shape(b)[-1]
    np.cross(np.zeros(lengths[0]), np.zeros(lengths[1]))  # whose errors and warnings are NumPy's
    if lengths == (2, 2):
        return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]
    a, b = (_with_third_component(vectors) for vectors in (a, b))
    parts = [a[..., i] * b[..., j] - a[..., j] * b[..., i] for i, j in ((1, 2), (2, 0), (0, 1))]
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


def _with_third_component(vectors: Tensor) -> Tensor:
    if np.shape(vectors)[-1] == 3:
        return vectors
    return np.concatenate([vectors, np.zeros((*np.shape(vectors)[:-1], 1))], axis=-1)


def _einsum(subscripts: Any, *operands: Tensor, optimize: Any = False) -> Tensor:
    """Return an Einstein sum, in which the direction axis of a tangent gets a letter of its own."""
    if not isinstance(subscripts, str):
        subscripts, operands = _as_letters((subscripts, *operands))

    def rule(tangents: list[Tensor], out: Tensor, *primals: Tensor) -> Tensor:
        terms = [
            _einsum_term(subscripts, primals, i, t, out, optimize) for i, t in enumerate(tangents) if t is not None
        ]
        return add_terms(*terms)

    return push(lambda *arrays: np.einsum(subscripts, *arrays, optimize=optimize), rule, operands)


def _einsum_term(subscripts: str, primals: Any, index: int, tangent: Tensor, out: Tensor, optimize: Any) -> Tensor:
    inputs, output = _explicit(subscripts)
    if tangent.ndim == np.ndim(primals[index]):
        arrays = [tangent if i == index else primal for i, primal in enumerate(primals)]
        return np.einsum(subscripts, *arrays, optimize=optimize)
    letter = next(c for c in ascii_letters if c not in subscripts)
    front = tangent.shape[: tangent.ndim - np.ndim(primals[index])]
    flat = merge_axes(tangent, 0, len(front))
    parts = [letter + part if i == index else part for i, part in enumerate(inputs)]
    arrays = [flat if i == index else primal for i, primal in enumerate(primals)]
    result = np.einsum(f"{','.join(parts)}->{letter}{output}", *arrays, optimize=optimize)
    return np.reshape(result, front + np.shape(out))


def _explicit(subscripts: str) -> tuple[list[str], str]:
    """Return the inputs and the output of a subscript; an output that is left out holds the letters that occur once."""
    inputs, arrow, output = subscripts.replace(" ", "").partition("->")
    if not arrow:
        letters = sorted(c for c in set(inputs) if c.isalpha() and inputs.count(c) == 1)
        output = ("..." if "..." in inputs else "") + "".join(letters)
    return inputs.split(","), output


def _as_letters(arguments: tuple[Any, ...]) -> tuple[str, tuple[Tensor, ...]]:
    """Return the form `einsum(a, [0, 1], b, [1, 2], [0, 2])` as a string and operands."""
    pairs = len(arguments) // 2
    text = ",".join(_letters_of(part) for part in arguments[1 : 2 * pairs : 2])
    if len(arguments) % 2:
        text += "->" + _letters_of(arguments[-1])
    return text, arguments[: 2 * pairs : 2]


def _letters_of(part: Any) -> str:
    """Return letters in NumPy's order, capitals first, which is the order of axes in an implicit output."""
    letters = ascii_uppercase + ascii_lowercase
    if not all(i is Ellipsis or 0 <= i < len(letters) for i in part):
        raise ValueError(f"einsum's subscripts are numbers from 0 to {len(letters) - 1} and ..., not {part}")
    return "".join("..." if i is Ellipsis else letters[i] for i in part)


def _linalg_outer(a: Tensor, b: Tensor, /) -> Tensor:
    if np.ndim(a) != 1 or np.ndim(b) != 1:
        raise ValueError(f"linalg.outer takes two vectors, not {np.ndim(a)} and {np.ndim(b)} dimensions: np.outer does")
    return _outer(a, b)


def _linalg_cross(a: Tensor, b: Tensor, /, *, axis: int = -1) -> Tensor:
    return _cross(a, b, axis=axis)


UFUNCS: dict[Any, Handler] = {np.matmul: _matmul, np.vecdot: _vecdot, np.matvec: _matvec, np.vecmat: _vecmat}
RULES: dict[Any, Handler] = {
    np.dot: _dot,
    np.inner: inner,
    np.outer: _outer,
    np.vdot: _vdot,
    np.tensordot: _tensordot,
    np.einsum: _einsum,
    np.kron: _kron,
    np.cross: _cross,
    np.convolve: bilinear(np.convolve),
    np.correlate: bilinear(np.correlate),
    np.linalg.matmul: of_arrays(_matmul),
    np.linalg.vecdot: of_arrays(_vecdot),
    np.linalg.outer: _linalg_outer,
    np.linalg.tensordot: _tensordot,
    np.linalg.cross: _linalg_cross,
}
