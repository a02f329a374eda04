"""Nested containers of arrays: dictionaries, lists, tuples, named tuples and dataclasses, as arguments and results."""

from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np

from dualtrain.core.dual.engine import Dual

_LEAVES = (np.ndarray, np.generic, Dual, float)


def children(tree: Any) -> list[Any] | None:
    """Return the parts of a container, None of an array or a number."""
    if isinstance(tree, _LEAVES):
        return None
    if tree is None:
        return []
    if isinstance(tree, dict):
        return list(tree.values())
    if isinstance(tree, list | tuple):
        return list(tree)
    if is_dataclass(tree) and not isinstance(tree, type):
        return [getattr(tree, field.name) for field in fields(tree)]
    return None


def rebuilt(tree: Any, parts: Sequence[Any]) -> Any:
    """Return a container like another with other parts."""
    if tree is None:
        return None
    if isinstance(tree, dict):
        return type(tree)(zip(tree, parts, strict=True)) if type(tree) is dict else dict(zip(tree, parts, strict=True))
    if isinstance(tree, tuple) and hasattr(tree, "_make"):
        return type(tree)._make(parts)
    if isinstance(tree, list | tuple):
        return type(tree)(parts)
    dataclass = object.__new__(type(tree))
    for field, part in zip(fields(tree), parts, strict=True):
        object.__setattr__(dataclass, field.name, part)
    return dataclass


def leaves(tree: Any) -> list[Any]:
    """Return the arrays and numbers of nested containers, in order."""
    parts = children(tree)
    return [tree] if parts is None else [leaf for part in parts for leaf in leaves(part)]


def with_leaves(tree: Any, values: Sequence[Any]) -> Any:
    """Return nested containers like others, with other leaves."""
    remaining = iter(values)
    return map_leaves(lambda _: next(remaining), tree)


def map_leaves(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """Return nested containers with the function of each leaf, and of those in the same place in others.

    ValueError for others of another structure.
    """
    parts = children(tree)
    if parts is None:
        return function(tree, *others)
    columns = [children(other) for other in others]
    for other, column in zip(others, columns, strict=True):
        if column is None or len(column) != len(parts) or (isinstance(tree, dict) and list(tree) != list(other)):
            raise ValueError(f"a {type(other).__name__} has not the structure of the {type(tree).__name__} beside it")
    rows = zip(parts, *(column or [] for column in columns), strict=True)
    return rebuilt(tree, [map_leaves(function, *row) for row in rows])
