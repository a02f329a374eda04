"""scipy.linalg, some of whose functions take duals."""

from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual, Tensor, push
from dualtrain.core.dual.scipy_namespace import Namespace, by


def _expm(own: Any, a: Tensor) -> Tensor:
    """Return exp(a), whose tangent is a block of exp([[a, t], [0, a]])."""

    def apply(a: Tensor) -> Tensor:
        return _expm(own, a) if isinstance(a, Dual) else own(a)

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        tangent, n = tangents[0], np.shape(a)[-1]
        square = np.broadcast_to(a, np.shape(tangent))
        upper = np.concatenate([square, tangent], axis=-1)
        lower = np.concatenate([np.zeros_like(square), square], axis=-1)
        return apply(np.concatenate([upper, lower], axis=-2))[..., :n, n:]

    return push(apply, rule, (a,))


def _sqrtm(own: Any, a: Tensor) -> Tensor:
    """Return the square root x of a matrix; its tangent solves x·t + t·x = the tangent of a."""

    def apply(a: Tensor) -> Tensor:
        return _sqrtm(own, a) if isinstance(a, Dual) else own(a)

    def rule(tangents: list[Tensor], out: Tensor, a: Tensor) -> Tensor:
        n = np.shape(a)[-1]
        sylvester = np.kron(out, np.eye(n)) + np.kron(np.eye(n), np.transpose(out))
        front = np.shape(tangents[0])[:-2]
        columns = np.reshape(tangents[0], (*front, n * n, 1))
        return np.reshape(np.linalg.solve(sylvester, columns), (*front, n, n))

    return push(apply, rule, (a,))


def _solve(own: Any, a: Tensor, b: Tensor, **options: Any) -> Tensor:
    return np.linalg.solve(a, b)


def _solve_triangular(
    own: Any, a: Tensor, b: Tensor, trans: Any = 0, lower: bool = False, unit_diagonal: bool = False, **options: Any
) -> Tensor:
    a = np.tril(a) if lower else np.triu(a)
    if unit_diagonal:
        a = np.where(np.eye(np.shape(a)[-1], dtype=bool), 1.0, a)
    return np.linalg.solve(a if trans in (0, "N") else np.transpose(a), b)


def _cholesky(own: Any, a: Tensor, lower: bool = False, **options: Any) -> Tensor:
    """Return SciPy's factor, by default the upper one."""
    return np.linalg.cholesky(a) if lower else np.linalg.cholesky(a, upper=True)


def _cho_factor(own: Any, a: Tensor, lower: bool = False, **options: Any) -> tuple[Tensor, bool]:
    return _cholesky(own, a, lower), lower


def _cho_solve(own: Any, factor: tuple[Tensor, bool], b: Tensor, **options: Any) -> Tensor:
    c, lower = factor
    left = np.tril(c) if lower else np.transpose(np.triu(c))
    return np.linalg.solve(np.conjugate(np.transpose(left)), np.linalg.solve(left, b))


def _block_diag(own: Any, *arrays: Tensor) -> Tensor:
    blocks = [np.atleast_2d(x) for x in arrays]
    rows = [
        [block if i == j else np.zeros((np.shape(row)[0], np.shape(block)[1])) for j, block in enumerate(blocks)]
        for i, row in enumerate(blocks)
    ]
    return np.block(rows)


def _toeplitz(own: Any, c: Tensor, r: Tensor = None) -> Tensor:
    r = np.conjugate(c) if r is None else r
    values = np.concatenate([np.ravel(c), np.ravel(r)[1:]])
    places = own(np.arange(np.size(c)), np.concatenate([[0], np.arange(np.size(r) - 1) + np.size(c)]))
    return values[places]


def _by_places(own: Any, c: Tensor, *rest: Any) -> Tensor:
    """Return an array of the elements of c, by the places of their numbers."""
    return np.ravel(c)[own(np.arange(np.size(c)), *rest)]


def _det(own: Any, a: Tensor, **options: Any) -> Tensor:
    return np.linalg.det(a)


def _eigh(
    own: Any, a: Tensor, b: None = None, *, lower: bool = True, eigvals_only: bool = False, **options: Any
) -> Any:
    if b is not None or options:
        raise TypeError("scipy.linalg.eigh of a dual takes no b, and no part of the eigenvalues")
    values, vectors = np.linalg.eigh(a, "L" if lower else "U")
    return values if eigvals_only else (values, vectors)


linalg = Namespace("linalg", {
    "inv": by(lambda a, **options: np.linalg.inv(a)), "det": _det, "solve": _solve, "cholesky": _cholesky,
    "solve_triangular": _solve_triangular, "cho_factor": _cho_factor, "cho_solve": _cho_solve, "eigh": _eigh,
    "eigvalsh": by(lambda a, lower=True: np.linalg.eigvalsh(a, "L" if lower else "U")),
    "eigvals": by(np.linalg.eigvals), "svdvals": by(np.linalg.svdvals), "pinv": by(lambda a: np.linalg.pinv(a)),
    "norm": by(np.linalg.norm), "expm": _expm, "sqrtm": _sqrtm, "block_diag": _block_diag,
    "toeplitz": _toeplitz, "circulant": _by_places, "lstsq": by(np.linalg.lstsq),
    "qr": by(lambda a, mode="full", **options: tuple(np.linalg.qr(a, "reduced"))),
})  # fmt: skip
