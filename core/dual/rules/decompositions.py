"""Rules of svd and qr, and of what singular values say: norms and condition numbers. Real matrices."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Tensor, push
from dualtrain.core.dual.rules.combinators import Handler
from dualtrain.core.dual.rules.linalg import diagonal, gaps


def _transposed(a: Tensor) -> Tensor:
    return np.swapaxes(a, -1, -2)


def _only_real(a: Tensor, name: str) -> None:
    if np.iscomplexobj(a):
        raise TypeError(f"numpy.linalg.{name} of a complex dual has no derivative here: its vectors have a free phase")


def _svd(a: Tensor, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    """Return u, s, vh; full matrices only if the matrix is square, because the rest of them is arbitrary."""
    if hermitian:
        parts = _hermitian_svd(a)
        return type(np.linalg.svd(np.eye(1)))(*parts) if compute_uv else parts[1]
    if not compute_uv:
        return np.linalg.svdvals(a)
    _only_real(a, "svd")
    if full_matrices and a.shape[-1] != a.shape[-2]:
        raise TypeError("numpy.linalg.svd of a dual that is not square takes full_matrices=False")

    def part(index: int, rule: Any) -> Tensor:
        return push(lambda a: np.linalg.svd(a, full_matrices=False)[index], rule, (a,))

    parts = part(0, _left_vectors), np.linalg.svdvals(a), part(2, _right_vectors)
    return type(np.linalg.svd(np.eye(1)))(*parts)


def _hermitian_svd(a: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return u, s and vh of a Hermitian matrix by its eigenvalues, whose signs go to vh, as NumPy makes them."""
    values, vectors = np.linalg.eigh(a)
    order = np.argsort(np.abs(values))[..., ::-1]
    values, u = np.take_along_axis(values, order, -1), np.take_along_axis(vectors, order[..., None, :], -1)
    return u, np.abs(values), np.conjugate(_transposed(u * np.sign(values)[..., None, :]))


def _svdvals(a: Tensor) -> Tensor:
    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        u, _, vh = np.linalg.svd(a, full_matrices=False)
        inner = np.conjugate(_transposed(u)) @ tangents[0] @ np.conjugate(_transposed(vh))
        return np.real(diagonal(inner))

    return push(np.linalg.svdvals, rule, (a,))


def _left_vectors(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return _vector_tangent(u, s, tangents[0] @ _transposed(vh))


def _right_vectors(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    return _transposed(_vector_tangent(_transposed(vh), s, _transposed(tangents[0]) @ u))


def _vector_tangent(vectors: Tensor, s: Tensor, moved: Tensor) -> Tensor:
    """Return the tangent of singular vectors: within their span, and out of it; `moved` is t times v."""
    inner = _transposed(vectors) @ moved
    both = inner * s[..., None, :] + s[..., :, None] * _transposed(inner)
    return vectors @ (gaps(s * s) * both) + (moved - vectors @ inner) / s[..., None, :]


def _qr(a: Tensor, mode: str = "reduced") -> Any:
    """Return q and r, or r alone; of a wide matrix q belongs to its first columns."""
    _only_real(a, "qr")
    m, n = a.shape[-2:]
    if mode not in ("reduced", "r") and not (mode == "complete" and m <= n):
        raise TypeError(f"numpy.linalg.qr of a dual takes mode='reduced' or 'r', not {mode!r}")
    q = push(lambda a: np.linalg.qr(a)[0], _orthogonal, (a[..., : min(m, n)],))
    r = np.triu(_transposed(q) @ a)
    return r if mode == "r" else type(np.linalg.qr(np.eye(1)))(q, r)


def _orthogonal(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
    inverse = np.linalg.inv(np.linalg.qr(a)[1])
    scaled = tangents[0] @ inverse
    inner = _transposed(out) @ scaled
    lower = np.tril(inner, -1)
    return out @ (lower - _transposed(lower)) + scaled - out @ inner


def _vector_norm(x: Tensor, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Tensor:
    if isinstance(ord, str):
        raise ValueError(f"no vector norm has the order {ord!r}: take a number")
    if axis is None and ord in (None, 2):
        return np.sqrt(np.sum(_modulus_squared(x), keepdims=keepdims))
    if axis is None:
        result = _vector_norm(np.ravel(x), axis=0, ord=ord)
        return np.reshape(result, (1,) * np.ndim(x)) if keepdims else result
    if ord in (None, 2):
        return np.sqrt(np.sum(_modulus_squared(x), axis=axis, keepdims=keepdims))
    size = np.abs(x)
    if ord in (np.inf, -np.inf):
        return (np.max if ord > 0 else np.min)(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0), axis=axis, keepdims=keepdims).astype(size.dtype)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return np.sum(size**ord, axis=axis, keepdims=keepdims) ** (1 / ord)


def _modulus_squared(x: Tensor) -> Tensor:
    if x.dtype.kind != "c":
        return np.square(x)
    return np.square(np.real(x)) + np.square(np.imag(x))


def _matrix_norm(x: Tensor, *, keepdims: bool = False, ord: Any = "fro") -> Tensor:
    result = _spectral(x, ord) if ord in (2, -2, "nuc") else _entries(x, ord)
    return result[..., None, None] if keepdims else result


def _spectral(x: Tensor, ord: Any) -> Tensor:
    values = np.linalg.svdvals(x)
    return np.sum(values, axis=-1) if ord == "nuc" else values[..., 0 if ord > 0 else -1]


def _entries(x: Tensor, ord: Any) -> Tensor:
    if ord in ("fro", None):
        return _vector_norm(x, axis=(-2, -1))
    if ord not in (1, -1, np.inf, -np.inf):
        raise ValueError(f"no matrix norm has the order {ord!r}: take 1, 2, inf, their negatives, 'fro' or 'nuc'")
    sums = _vector_norm(x, axis=-2 if abs(ord) == 1 else -1, ord=1)
    return np.max(sums, axis=-1) if ord > 0 else np.min(sums, axis=-1)


def _norm(x: Tensor, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Tensor:
    """Return norms of vectors, or of matrices where two axes are given or x is a matrix and `ord` is."""
    if axis is None and (ord is None or np.ndim(x) == 1):
        return _vector_norm(x, ord=ord, keepdims=keepdims)
    if axis is None and np.ndim(x) != 2:
        raise ValueError(f"norm of order {ord!r} takes a vector or a matrix, not {np.ndim(x)} axes; say which by axis=")
    axes = (-2, -1) if axis is None else axis
    if isinstance(axes, int) or len(axes) == 1:
        return _vector_norm(x, axis=axes, ord=ord, keepdims=keepdims)
    result = _matrix_norm(np.moveaxis(x, axes, (-2, -1)), ord=ord)
    return np.expand_dims(result, axes) if keepdims else result


def _cond(x: Tensor, p: Any = None) -> Tensor:
    if p in (None, 2, -2):
        values = np.linalg.svdvals(x)
        ends = values[..., 0], values[..., -1]
        return ends[1] / ends[0] if p == -2 else ends[0] / ends[1]
    return _matrix_norm(x, ord=p) * _matrix_norm(np.linalg.inv(x), ord=p)


RULES: dict[Any, Handler] = {
    np.linalg.svd: _svd,
    np.linalg.svdvals: _svdvals,
    np.linalg.qr: _qr,
    np.linalg.norm: _norm,
    np.linalg.vector_norm: _vector_norm,
    np.linalg.matrix_norm: _matrix_norm,
    np.linalg.cond: _cond,
}
