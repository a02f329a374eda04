"""Jacobians whose zeros are known: columns without a common row share one direction.

Curtis, Powell and Reid 1974. The colouring is greedy over columns as they come, which is optimal for banded patterns.
It is written here because the libraries that have one (SciPy's is private) are no dependencies of this package.
"""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from core.dual.transforms import jvp


def coloured(rows: Iterable[int], columns: Iterable[int], shape: tuple[int, int]) -> Any:
    """A colour for every column, `(n,)` ints, such that no two columns of a colour have an entry in the same row."""
    entries: list[list[int]] = [[] for _ in range(shape[1])]
    for row, column in zip(rows, columns, strict=True):
        entries[column].append(row)
    used = [0] * shape[0]  # for each row, the colours in it as bits
    colours = np.zeros(shape[1], int)
    for column, places in enumerate(entries):
        taken = 0
        for row in places:
            taken |= used[row]
        free = ~taken & (taken + 1)  # the lowest bit that is 0
        colours[column] = free.bit_length() - 1
        for row in places:
            used[row] |= free
    return colours


def sparse_jacobian(f: Callable[..., Any], x: Any, pattern: Any, chunk: int) -> Any:
    """The Jacobian with entries only where the pattern, `(outputs, inputs)`, is true; sparse if the pattern is.

    ValueError for a pattern of another shape, or one that lacks an entry of the Jacobian: one more direction checks it.
    """
    rows, columns = (part.astype(int) for part in pattern.nonzero())
    colours = coloured(rows.tolist(), columns.tolist(), pattern.shape)
    if pattern.shape[1] != x.size:
        raise ValueError(f"a pattern of shape {pattern.shape} needs {x.size} columns, one for each input")
    values = np.empty(len(rows), x.dtype)
    out: tuple[int, ...] = ()
    for start in range(0, int(np.max(colours, initial=0)) + 1, chunk):
        seeds = np.arange(start, start + chunk)[:, None] == colours
        found = jvp(f, (x,), (seeds.reshape(-1, *x.shape),))[1]
        out = found.shape[1:]
        here = (colours[columns] >= start) & (colours[columns] < start + chunk)
        values[here] = found.reshape(chunk, -1)[colours[columns[here]] - start, rows[here]]
    check_pattern(f, x, rows, columns, values)
    if not isinstance(pattern, np.ndarray):
        return type(pattern)((values, (rows, columns)), shape=pattern.shape)
    dense = np.zeros(pattern.shape, x.dtype)
    dense[rows, columns] = values
    return dense.reshape(out + x.shape)


def check_pattern(f: Callable[..., Any], x: Any, rows: Any, columns: Any, values: Any) -> None:
    direction = np.random.default_rng(0).uniform(1, 2, x.shape).astype(x.dtype)
    found = np.ravel(jvp(f, (x,), (direction,))[1])
    expected = np.bincount(rows, values * direction.ravel()[columns], found.size)
    scale = np.max(np.abs(found), initial=1)
    wrong = np.flatnonzero(np.abs(found - expected) > np.sqrt(np.finfo(x.dtype).eps) * scale)
    if len(wrong):
        raise ValueError(f"the sparsity pattern lacks entries of the Jacobian in row {wrong[0]}")
