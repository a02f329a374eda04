"""Jacobians whose zeros are known: columns without a common row share one direction.

Curtis, Powell and Reid 1974. The coloring is greedy over columns as they come, which is optimal for banded patterns.
It is written here because the libraries that have one (SciPy's is private) are no dependencies of this package.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from dualtrain.core.dual.transforms import jvp


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


def sparse_jacobian(f: Callable[..., Any], x: Any, pattern: Any, chunk: int) -> Any:
    """Return the Jacobian with entries only where the pattern, `(outputs, inputs)`, is true; sparse if the pattern is.

    ValueError for a pattern of another shape, or one that lacks an entry of the Jacobian: one more direction checks it.
    """
    pattern = _matrix(pattern, x.size)
    rows, columns = (part.astype(int) for part in (pattern if _is_array(pattern) else pattern.tocsr()).nonzero())
    colors = colored(rows.tolist(), columns.tolist(), pattern.shape)
    direction = np.random.default_rng(0).uniform(1, 2, x.shape).astype(x.dtype)
    along = jvp(f, (x,), (direction,))[1]
    if along.size != pattern.shape[0]:
        raise ValueError(f"a pattern of shape {pattern.shape} needs {along.size} rows, one for each output")
    values = np.empty(len(rows), along.dtype)
    count = int(np.max(colors, initial=-1)) + 1
    for start in range(0, count, chunk):
        seeds = np.arange(start, min(start + chunk, count))[:, None] == colors
        result = jvp(f, (x,), (seeds.reshape(-1, *x.shape),))[1].reshape(len(seeds), -1)
        here = (colors[columns] >= start) & (colors[columns] < start + chunk)
        values[here] = result[colors[columns[here]] - start, rows[here]]
    _check_pattern(along.ravel(), rows, values * direction.ravel()[columns])
    if not _is_array(pattern):
        return type(pattern.tocoo())((values, (rows, columns)), shape=pattern.shape).asformat(pattern.format)
    full = np.zeros(pattern.shape, along.dtype)
    full[rows, columns] = values
    return full.reshape(along.shape + x.shape)


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
