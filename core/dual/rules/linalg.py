"""Rules of np.linalg for square and rectangular matrices, stacked ones too; axes before the last two are batches.

Sources: Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"; for
pinv Golub and Pereyra 1973; for qr and svd Walter and Lehmann 2018. Repeated eigenvalues or singular values have no
derivative of their vectors: it is NaN or infinite there.
"""

from operator import index
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Tensor, folded, plain, push, spread
from dualtrain.core.dual.rules.combinators import Handler, of_arrays, total


def adjoint(a: Tensor) -> Tensor:
    """The conjugate transpose of the last two axes."""
    return np.conjugate(np.swapaxes(a, -1, -2))


def trace(a: Tensor) -> Tensor:
    return np.trace(a, axis1=-2, axis2=-1)


def diagonal(a: Tensor) -> Tensor:
    return np.diagonal(a, axis1=-2, axis2=-1)


def from_triangle(a: Tensor, upper: bool) -> Tensor:
    """The Hermitian matrix whose one triangle, and real part of the diagonal, a routine and its derivative read."""
    beside = np.triu(a, 1) if upper else np.tril(a, -1)
    return beside + adjoint(beside) + np.where(np.eye(a.shape[-1], dtype=bool), np.real(a), 0)


def inv(a: Tensor) -> Tensor:
    return push(np.linalg.inv, lambda tangents, out, a: -out @ tangents[0] @ out, (a,))


def solve(a: Tensor, b: Tensor) -> Tensor:
    if np.ndim(b) == 1:
        return np.linalg.solve(a, b[:, None])[..., 0]

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor, b: Tensor) -> Tensor:
        ta, tb = tangents
        left = None if ta is None else -spread(ta, a.ndim, out.ndim) @ out
        return solved(a, total(left, None if tb is None else spread(tb, b.ndim, out.ndim)), out.ndim)

    return push(np.linalg.solve, rule, (a, b))


def solved(a: Tensor, right: Tensor, ndim: int) -> Tensor:
    """a⁻¹ of all directions as columns of one system, so that a is factored once."""
    axes = tuple(range(right.ndim - ndim))
    columns = np.moveaxis(right, axes, tuple(axis - len(axes) for axis in axes))
    flat = np.linalg.solve(a, folded(columns, ndim - 1))
    found = np.reshape(flat, flat.shape[:-1] + columns.shape[ndim - 1 :])
    return np.moveaxis(found, tuple(axis - len(axes) for axis in axes), axes)


def det(a: Tensor) -> Tensor:
    """det(a)·tr(a⁻¹ t), by cofactors where a is singular."""

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        cofactors = adjugate(a) if np.any(out == 0) else out[..., None, None] * np.linalg.inv(a)
        return np.sum(tangents[0] * np.swapaxes(cofactors, -1, -2), axis=(-2, -1))

    return push(np.linalg.det, rule, (a,))


def adjugate(a: Tensor) -> Tensor:
    """det(a)·a⁻¹ without the inverse: entry i, j is (-1)^(i+j) times the minor without row j and column i."""
    n = a.shape[-1]
    rows = [np.stack([(-1) ** (i + j) * np.linalg.det(without(a, j, i)) for j in range(n)], axis=-1) for i in range(n)]
    return np.stack(rows, axis=-2)


def without(a: Tensor, row: int, column: int) -> Tensor:
    rows, columns = (np.delete(np.arange(a.shape[-1]), one) for one in (row, column))
    return a[..., rows[:, None], columns]


def slogdet(a: Tensor) -> Any:
    if np.iscomplexobj(a):
        raise TypeError("numpy.linalg.slogdet of a complex dual has no derivative: take np.log(np.linalg.det(a))")
    sign = np.linalg.slogdet(plain(a))[0]
    logarithm = push(
        lambda a: np.linalg.slogdet(a)[1],
        lambda tangents, out, a: np.sum(tangents[0] * np.swapaxes(np.linalg.inv(a), -1, -2), axis=(-2, -1)),
        (a,),
    )
    return type(np.linalg.slogdet(np.eye(1)))(sign, logarithm)


def cholesky(a: Tensor, *, upper: bool = False) -> Tensor:
    if upper:
        return adjoint(np.linalg.cholesky(adjoint(from_triangle(a, upper=True))))

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        inverse = np.linalg.inv(out)
        middle = inverse @ tangents[0] @ adjoint(inverse)
        half = 1 - 0.5 * np.eye(a.shape[-1], dtype=a.real.dtype)
        return out @ np.tril(middle * half)

    return push(np.linalg.cholesky, rule, (from_triangle(a, upper=False),))


def eigvalsh(a: Tensor, UPLO: Any = "L") -> Tensor:
    return eigh(a, UPLO)[0]


def eigh(a: Tensor, UPLO: Any = "L") -> Any:
    def value_rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        vectors = np.linalg.eigh(a, UPLO)[1]
        return np.real(np.sum(np.conjugate(vectors) * (full(tangents[0]) @ vectors), axis=-2))

    def vector_rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        return out @ (gaps(np.linalg.eigh(a, UPLO)[0]) * (adjoint(out) @ full(tangents[0]) @ out))

    def full(tangent: Tensor) -> Tensor:
        return from_triangle(tangent, upper=UPLO.upper() == "U")

    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"UPLO is 'L' or 'U', the triangle that is read, not {UPLO!r}")
    values = push(lambda a: np.linalg.eigh(a, UPLO)[0], value_rule, (a,))
    vectors = push(lambda a: np.linalg.eigh(a, UPLO)[1], vector_rule, (a,))
    return type(np.linalg.eigh(np.eye(1)))(values, vectors)


def gaps(values: Tensor) -> Tensor:
    """1/(v_j - v_i), 0 on the diagonal."""
    identity = np.eye(values.shape[-1], dtype=plain(values).dtype)
    with np.errstate(divide="ignore"):
        return 1 / (values[..., None, :] - values[..., :, None] + identity) - identity


def eigvals(a: Tensor) -> Tensor:
    """Eigenvalues of any square matrix."""

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        vectors = eigenvectors(a)
        return diagonal(np.linalg.inv(vectors) @ tangents[0] @ vectors)

    return push(lambda a: np.linalg.eig(a)[0] if type(a) is np.ndarray else eigvals(a), rule, (a,))


def eigenvectors(a: Tensor) -> Tensor:
    """Of a length that does not matter to eigenvalues: their tangents have no part along themselves."""

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        return out @ (gaps(eigvals(a)) * (np.linalg.inv(out) @ tangents[0] @ out))

    return push(lambda a: np.linalg.eig(a)[1] if type(a) is np.ndarray else eigenvectors(a), rule, (a,))


def pinv(a: Tensor, rcond: Any = None, hermitian: bool = False, **options: Any) -> Tensor:
    """The rule is for a constant rank; a cut through singular values that are more than rounding has another."""
    if hermitian:
        a = from_triangle(a, upper=False)
    cut, noise = options.get("rtol", rcond), max(a.shape[-2:]) * np.finfo(a.dtype).eps
    if cut is not None and np.any(np.greater(cut, noise)):
        np.linalg.pinv(plain(a)[..., :1, :1], rcond, **options)  # whose errors are NumPy's
        sizes = np.linalg.svdvals(plain(a))
        kept = sizes > np.asarray(cut)[..., None] * sizes[..., :1]
        if np.any(~kept & (sizes > noise * sizes[..., :1])):
            return inverse_of_kept(a, kept, hermitian)

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        t = tangents[0]
        m, n = a.shape[-2:]
        outside, across = np.eye(m, dtype=a.dtype) - a @ out, np.eye(n, dtype=a.dtype) - out @ a
        return -out @ t @ out + out @ adjoint(out) @ adjoint(t) @ outside + across @ adjoint(t) @ adjoint(out) @ out

    return push(lambda a: np.linalg.pinv(a, rcond, hermitian, **options), rule, (a,))


@np.errstate(divide="ignore", invalid="ignore")  # the vectors of others need no derivative
def inverse_of_kept(a: Tensor, kept: Any, hermitian: bool) -> Tensor:
    """The pseudoinverse by the singular values that are kept, `(..., min(m, n))` truth values, and their vectors."""
    u, s, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    scaled = np.where(kept[..., None, :], u, 0) / np.where(kept, s, 1)[..., None, :]
    return adjoint(scaled @ np.where(kept[..., :, None], vh, 0))


def lstsq(a: Tensor, b: Tensor, rcond: float | None = None) -> Any:
    """The solution and residuals with derivatives."""
    _, residuals, rank, _ = np.linalg.lstsq(plain(a), plain(b), rcond)
    cut = np.finfo(a.dtype).eps * max(a.shape) if rcond is None else max(rcond, 0)
    solution = np.linalg.pinv(a, cut) @ b
    rest = b - a @ solution
    squares = np.sum(np.real(np.conjugate(rest) * rest), axis=0)
    return solution, np.reshape(squares, residuals.shape) if residuals.size else residuals, rank, np.linalg.svdvals(a)


def matrix_power(a: Tensor, n: int) -> Tensor:
    n = index(n)
    np.linalg.matrix_power(plain(a), 0)  # whose errors are NumPy's
    if n < 0:
        return np.linalg.matrix_power(np.linalg.inv(a), -n)
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape).copy()
    half = np.linalg.matrix_power(a, n // 2) if n > 1 else None
    if half is None:
        return a
    return half @ half if n % 2 == 0 else half @ half @ a


def multi_dot(arrays: Any) -> Tensor:
    np.linalg.multi_dot([np.zeros((1,) * np.ndim(array)) for array in arrays])  # whose errors are NumPy's
    result = arrays[0]
    for array in arrays[1:]:
        result = np.dot(result, array)
    return result


def tensorinv(a: Tensor, ind: int = 2) -> Tensor:
    rows = int(np.prod(a.shape[:ind]))
    return np.reshape(np.linalg.inv(np.reshape(a, (rows, -1))), a.shape[ind:] + a.shape[:ind])


def tensorsolve(a: Tensor, b: Tensor, axes: Any = None) -> Tensor:
    if axes is not None:
        a = np.moveaxis(a, axes, range(np.ndim(a) - len(axes), np.ndim(a)))
    count = np.ndim(b)
    return np.reshape(np.linalg.solve(folded(folded(a, count), 0, count), np.ravel(b)), np.shape(a)[count:])


RULES: dict[Any, Handler] = {
    np.linalg.inv: inv,
    np.linalg.solve: of_arrays(solve),
    np.linalg.det: det,
    np.linalg.slogdet: slogdet,
    np.linalg.cholesky: cholesky,
    np.linalg.eigh: eigh,
    np.linalg.eigvalsh: eigvalsh,
    np.linalg.eigvals: eigvals,
    np.linalg.pinv: pinv,
    np.linalg.lstsq: of_arrays(lstsq),
    np.linalg.matrix_power: matrix_power,
    np.linalg.multi_dot: multi_dot,
    np.linalg.tensorinv: tensorinv,
    np.linalg.tensorsolve: tensorsolve,
}
