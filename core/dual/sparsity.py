"""Jacobians whose zeros are known: columns without a common row share one direction.

Curtis, Powell and Reid 1974. The coloring is greedy over columns as they come, which is optimal for banded patterns.
It is written here because the libraries that have one (SciPy's is private) are no dependencies of this package.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dualtrain.core.dual.transforms import push_forward
from dualtrain.core.dual.trees import children

_TESTS = 256  # the sets of inputs that are pushed to detect a pattern


def colored(rows: Iterable[int], columns: Iterable[int], shape: tuple[int, int]) -> Any:
    """Return a color for every column, `(n,)` ints, such that no two columns of a color share a row."""
    entries: list[list[int]] = [[] for _ in range(shape[1])]
    for row, column in zip(rows, columns, strict=True):
        entries[column].append(row)
    used = [0] * shape[0]  # for each row, the colors in it as bits
    colors = np.zeros(shape[1], int)
    for column, places in enumerate(entries):
        taken = 0
        for row in places:
            taken |= used[row]
        free = ~taken & (taken + 1)  # the lowest bit that is 0
        colors[column] = free.bit_length() - 1
        for row in places:
            used[row] |= free
    return colors


def sparse_jacobian(f: Callable[..., Any], x: Any, pattern: Any, chunk: int, has_aux: bool) -> tuple[Any, Any, Any]:
    """Return value, auxiliary result and the Jacobian with entries where the pattern, `(outputs, inputs)`, is true.

    It is sparse if the pattern is. ValueError for a pattern of another shape, or one that lacks an entry of the
    Jacobian: one more direction checks it. TypeError for a function whose result is not one array.
    """
    pattern = _matrix(pattern, x.size)
    rows, columns = (part.astype(int) for part in (pattern if _is_array(pattern) else pattern.tocsr()).nonzero())
    colors = colored(rows.tolist(), columns.tolist(), pattern.shape)
    direction = np.random.default_rng(0).uniform(1, 2, x.shape).astype(x.dtype)
    value, along, aux = push_forward(f, (x,), (direction,), has_aux)
    _check_one_array(value)
    if along.size != pattern.shape[0]:
        raise ValueError(f"a pattern of shape {pattern.shape} needs {along.size} rows, one for each output")
    values = np.empty(len(rows), along.dtype)
    count = int(np.max(colors, initial=-1)) + 1
    for start in range(0, count, chunk):
        seeds = np.arange(start, min(start + chunk, count))[:, None] == colors
        result = push_forward(f, (x,), (seeds.reshape(-1, *x.shape),), has_aux)[1].reshape(len(seeds), -1)
        here = (colors[columns] >= start) & (colors[columns] < start + chunk)
        values[here] = result[colors[columns[here]] - start, rows[here]]
    _check_pattern(along.ravel(), rows, values * direction.ravel()[columns])
    if not _is_array(pattern):
        entries = type(pattern.tocoo())((values, (rows, columns)), shape=pattern.shape).asformat(pattern.format)
        return value, aux, entries
    full = np.zeros(pattern.shape, along.dtype)
    full[rows, columns] = values
    return value, aux, full.reshape(along.shape + x.shape)


def _check_one_array(value: Any) -> None:
    if children(value) is not None:
        raise TypeError(
            f"the function's result is a {type(value).__name__}, not one array, which a sparse Jacobian needs: "
            "join the parts with np.stack or np.concatenate"
        )


def detected_pattern(f: Callable[..., Any], x: Any, has_aux: bool) -> Any:
    """Return the pattern of the Jacobian at x, `(outputs, inputs)`, of SciPy's sparse arrays if SciPy is there.

    Group testing: random sets of inputs are pushed, all at once, with random weights. Where an output does not move,
    it depends on no input of the set; an input in no such set is taken for one that the output depends on. That is at
    worst more than the truth, and exact for rows of few entries (Du and Hwang 2000).
    """
    rng = np.random.default_rng(0)
    portions = 0.5 ** (1 + np.arange(_TESTS) % max(1, min(12, int(x.size).bit_length())))
    members = rng.uniform(size=(_TESTS, x.size)) < portions[:, None]
    if x.size <= _TESTS:
        members = np.eye(x.size, dtype=bool)
    weights = (members * rng.uniform(1, 2, members.shape)).astype(x.dtype)
    value, moved, _ = push_forward(f, (x,), (weights.reshape(-1, *x.shape),), has_aux)
    _check_one_array(value)
    still = (moved.reshape(len(members), -1) == 0).T.astype(np.float32)
    tests = members.astype(np.float32)
    rows = [still[start : start + _TESTS] @ tests == 0 for start in range(0, len(still), _TESTS)]
    return _joined(rows, x.size)


def _joined(rows: list[Any], columns: int) -> Any:
    try:
        from scipy.sparse import csr_array, vstack
    except ImportError:
        return np.concatenate(rows) if rows else np.zeros((0, columns), bool)
    return vstack([csr_array(part) for part in rows], format="csr") if rows else csr_array((0, columns), dtype=bool)


def _is_array(pattern: Any) -> bool:
    return isinstance(pattern, np.ndarray)


def _matrix(pattern: Any, columns: int) -> Any:
    """Return the pattern as a matrix of NumPy or SciPy. ValueError if it has another number of columns."""
    result = pattern if hasattr(pattern, "tocsr") else np.asarray(pattern)
    if result.ndim != 2 or result.shape[1] != columns:
        raise ValueError(f"a pattern of shape {result.shape} needs {columns} columns, one for each input")
    return result


def _check_pattern(along: Any, rows: Any, terms: Any) -> None:
    """Compare a derivative along one direction, `(outputs,)`, with the sum of the terms of the entries in each row.

    A row's tolerance is relative to its terms, and not below the rounding of the largest finite row. Nothing can be
    said about rows with entries that are not finite.
    """
    sums, sizes = np.zeros_like(along), np.zeros(along.shape, along.real.dtype)
    np.add.at(sums, rows, terms)
    np.add.at(sizes, rows, np.abs(terms))
    eps = np.finfo(along.dtype).eps
    largest = np.max(np.abs(along), where=np.isfinite(along), initial=0)
    with np.errstate(invalid="ignore"):
        near = np.abs(along - sums) <= np.sqrt(eps) * sizes + 64 * eps * largest
    wrong = np.flatnonzero(~near & np.isfinite(sums))
    if len(wrong):
        raise ValueError(f"the sparsity pattern lacks entries of the Jacobian in row {wrong[0]}")
