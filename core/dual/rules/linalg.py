"""Rules of np.linalg for square and rectangular matrices, stacked ones too; axes before the last two are batches.

Sources: Giles 2008, "Collected matrix derivative results for forward and reverse mode algorithmic differentiation"; for
pinv Golub and Pereyra 1973; for qr and svd Walter and Lehmann 2018. Repeated eigenvalues or singular values have no
derivative of their vectors: it is NaN or infinite there.
"""

from operator import index
from typing import Any

import numpy as np

from dualtrain.core.dual.directions import (
    insert_axes,
    merge_axes,
)
from dualtrain.core.dual.engine import (
    Tensor,
    plain,
    push,
)
from dualtrain.core.dual.rules.combinators import Handler, add_terms, of_arrays


def _adjoint(a: Tensor) -> Tensor:
    """Return the conjugate transpose of the last two axes."""
    return np.conjugate(np.swapaxes(a, -1, -2))


def _trace(a: Tensor) -> Tensor:
    return np.trace(a, axis1=-2, axis2=-1)


def diagonal(a: Tensor) -> Tensor:
    return np.diagonal(a, axis1=-2, axis2=-1)


def _from_triangle(a: Tensor, upper: bool) -> Tensor:
    """Return the Hermitian matrix with this triangle, and with the real part of the diagonal."""
    beside = np.triu(a, 1) if upper else np.tril(a, -1)
    return beside + _adjoint(beside) + np.where(np.eye(a.shape[-1], dtype=bool), np.real(a), 0)


def _inv(a: Tensor) -> Tensor:
    return push(np.linalg.inv, lambda tangents, out, a: -out @ tangents[0] @ out, (a,))


def _solve(a: Tensor, b: Tensor) -> Tensor:
    if np.ndim(b) == 1:
        return np.linalg.solve(a, b[:, None])[..., 0]

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor, b: Tensor) -> Tensor:
        ta, tb = tangents
        left = None if ta is None else -insert_axes(ta, a.ndim, out.ndim) @ out
        return _solve_directions(
            a, add_terms(left, None if tb is None else insert_axes(tb, b.ndim, out.ndim)), out.ndim
        )

    return push(np.linalg.solve, rule, (a, b))


def _solve_directions(a: Tensor, right: Tensor, ndim: int) -> Tensor:
    """Solve for all directions as columns of one system, so that a is factored once."""
    axes = tuple(range(right.ndim - ndim))
    columns = np.moveaxis(right, axes, tuple(axis - len(axes) for axis in axes))
    flat = np.linalg.solve(a, merge_axes(columns, ndim - 1))
    result = np.reshape(flat, flat.shape[:-1] + columns.shape[ndim - 1 :])
    return np.moveaxis(result, tuple(axis - len(axes) for axis in axes), axes)


def _det(a: Tensor) -> Tensor:
    """Return det(a), whose tangent is det(a)·tr(a⁻¹ t), by cofactors where a is singular."""

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        cofactors = _adjugate(a) if np.any(out == 0) else out[..., None, None] * np.linalg.inv(a)
        return np.sum(tangents[0] * np.swapaxes(cofactors, -1, -2), axis=(-2, -1))

    return push(np.linalg.det, rule, (a,))


def _adjugate(a: Tensor) -> Tensor:
    """Return det(a)·a⁻¹ without the inverse: entry i, j is (-1)^(i+j) times the minor without row j and column i."""
    n = a.shape[-1]
    rows = [np.stack([(-1) ** (i + j) * np.linalg.det(_minor(a, j, i)) for j in range(n)], axis=-1) for i in range(n)]
    return np.stack(rows, axis=-2)


def _minor(a: Tensor, row: int, column: int) -> Tensor:
    rows, columns = (np.delete(np.arange(a.shape[-1]), item) for item in (row, column))
    return a[..., rows[:, None], columns]


def _slogdet(a: Tensor) -> Any:
    if np.iscomplexobj(a):
        raise TypeError("numpy.linalg.slogdet of a complex dual has no derivative: take np.log(np.linalg.det(a))")
    sign = np.linalg.slogdet(plain(a))[0]
    logarithm = push(
        lambda a: np.linalg.slogdet(a)[1],
        lambda tangents, out, a: np.sum(tangents[0] * np.swapaxes(np.linalg.inv(a), -1, -2), axis=(-2, -1)),
        (a,),
    )
    return type(np.linalg.slogdet(np.eye(1)))(sign, logarithm)


def _cholesky(a: Tensor, *, upper: bool = False) -> Tensor:
    if upper:
        return _adjoint(np.linalg.cholesky(_adjoint(_from_triangle(a, upper=True))))

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        inverse = np.linalg.inv(out)
        middle = inverse @ tangents[0] @ _adjoint(inverse)
        half = 1 - 0.5 * np.eye(a.shape[-1], dtype=a.real.dtype)
        return out @ np.tril(middle * half)

    return push(np.linalg.cholesky, rule, (_from_triangle(a, upper=False),))


def _eigvalsh(a: Tensor, UPLO: Any = "L") -> Tensor:
    return _eigh(a, UPLO)[0]


def _eigh(a: Tensor, UPLO: Any = "L") -> Any:
    def value_rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        vectors = np.linalg.eigh(a, UPLO)[1]
        return np.real(np.sum(np.conjugate(vectors) * (full(tangents[0]) @ vectors), axis=-2))

    def vector_rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        return out @ (gaps(np.linalg.eigh(a, UPLO)[0]) * (_adjoint(out) @ full(tangents[0]) @ out))

    def full(tangent: Tensor) -> Tensor:
        return _from_triangle(tangent, upper=UPLO.upper() == "U")

    if UPLO.upper() not in ("L", "U"):
        raise ValueError(f"UPLO is 'L' or 'U', the triangle that is read, not {UPLO!r}")
    values = push(lambda a: np.linalg.eigh(a, UPLO)[0], value_rule, (a,))
    vectors = push(lambda a: np.linalg.eigh(a, UPLO)[1], vector_rule, (a,))
    return type(np.linalg.eigh(np.eye(1)))(values, vectors)


def gaps(values: Tensor) -> Tensor:
    """Return 1/(v_j - v_i), 0 on the diagonal."""
    identity = np.eye(values.shape[-1], dtype=plain(values).dtype)
    with np.errstate(divide="ignore"):
        return 1 / (values[..., None, :] - values[..., :, None] + identity) - identity


def _eigvals(a: Tensor) -> Tensor:
    """Return eigenvalues of any square matrix."""

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        vectors = _eigenvectors(a)
        return diagonal(np.linalg.inv(vectors) @ tangents[0] @ vectors)

    return push(lambda a: np.linalg.eig(a)[0] if type(a) is np.ndarray else _eigvals(a), rule, (a,))


def _eigenvectors(a: Tensor) -> Tensor:
    """Return eigenvectors of any length, whose tangents have no part along themselves."""

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        return out @ (gaps(_eigvals(a)) * (np.linalg.inv(out) @ tangents[0] @ out))

    return push(lambda a: np.linalg.eig(a)[1] if type(a) is np.ndarray else _eigenvectors(a), rule, (a,))


def _pinv(a: Tensor, rcond: Any = None, hermitian: bool = False, **options: Any) -> Tensor:
    """Return the rule is for a constant rank; a cut through singular values that are more than rounding has another."""
    if hermitian:
        a = _from_triangle(a, upper=False)
    cut, noise = options.get("rtol", rcond), max(a.shape[-2:]) * np.finfo(a.dtype).eps
    if cut is not None and np.any(np.greater(cut, noise)):
        np.linalg.pinv(plain(a)[..., :1, :1], rcond, **options)  # whose errors are NumPy's
        sizes = np.linalg.svdvals(plain(a))
        selected = sizes > np.asarray(cut)[..., None] * sizes[..., :1]
        if np.any(~selected & (sizes > noise * sizes[..., :1])):
            return _inverse_of_selected(a, selected, hermitian)

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        t = tangents[0]
        m, n = a.shape[-2:]
        outside, across = np.eye(m, dtype=a.dtype) - a @ out, np.eye(n, dtype=a.dtype) - out @ a
        return -out @ t @ out + out @ _adjoint(out) @ _adjoint(t) @ outside + across @ _adjoint(t) @ _adjoint(out) @ out

    return push(lambda a: np.linalg.pinv(a, rcond, hermitian, **options), rule, (a,))


@np.errstate(divide="ignore", invalid="ignore")  # the vectors of others need no derivative
def _inverse_of_selected(a: Tensor, selected: Any, hermitian: bool) -> Tensor:
    """Return the pseudoinverse by the singular values that a mask `(..., min(m, n))` selects."""
    u, s, vh = np.linalg.svd(a, full_matrices=False, hermitian=hermitian)
    scaled = np.where(selected[..., None, :], u, 0) / np.where(selected, s, 1)[..., None, :]
    return _adjoint(scaled @ np.where(selected[..., :, None], vh, 0))


def _lstsq(a: Tensor, b: Tensor, rcond: float | None = None) -> Any:
    """Return the solution and residuals with derivatives."""
    _, residuals, rank, _ = np.linalg.lstsq(plain(a), plain(b), rcond)
    cut = np.finfo(a.dtype).eps * max(a.shape) if rcond is None else max(rcond, 0)
    solution = np.linalg.pinv(a, cut) @ b
    rest = b - a @ solution
    squares = np.sum(np.real(np.conjugate(rest) * rest), axis=0)
    return solution, np.reshape(squares, residuals.shape) if residuals.size else residuals, rank, np.linalg.svdvals(a)


def _matrix_power(a: Tensor, n: int) -> Tensor:
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


def _multi_dot(arrays: Any) -> Tensor:
    np.linalg.multi_dot([np.zeros((1,) * np.ndim(array)) for array in arrays])  # whose errors are NumPy's
    result = arrays[0]
    for array in arrays[1:]:
        result = np.dot(result, array)
    return result


def _tensorinv(a: Tensor, ind: int = 2) -> Tensor:
    rows = int(np.prod(a.shape[:ind]))
    return np.reshape(np.linalg.inv(np.reshape(a, (rows, -1))), a.shape[ind:] + a.shape[:ind])


def _tensorsolve(a: Tensor, b: Tensor, axes: Any = None) -> Tensor:
    if axes is not None:
        a = np.moveaxis(a, axes, range(np.ndim(a) - len(axes), np.ndim(a)))
    count = np.ndim(b)
    return np.reshape(np.linalg.solve(merge_axes(merge_axes(a, count), 0, count), np.ravel(b)), np.shape(a)[count:])


RULES: dict[Any, Handler] = {
    np.linalg.inv: _inv,
    np.linalg.solve: of_arrays(_solve),
    np.linalg.det: _det,
    np.linalg.slogdet: _slogdet,
    np.linalg.cholesky: _cholesky,
    np.linalg.eigh: _eigh,
    np.linalg.eigvalsh: _eigvalsh,
    np.linalg.eigvals: _eigvals,
    np.linalg.pinv: _pinv,
    np.linalg.lstsq: of_arrays(_lstsq),
    np.linalg.matrix_power: _matrix_power,
    np.linalg.multi_dot: _multi_dot,
    np.linalg.tensorinv: _tensorinv,
    np.linalg.tensorsolve: _tensorsolve,
}
