"""Directions of the parameters with a structure, all with E[v vᵀ] = I."""

from collections.abc import Sequence
from math import prod, sqrt

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.gradients.random_directions import Sampler
from dualtrain.core.nn.base import Shape
from dualtrain.core.nn.tensor import Array


def low_rank(source: np.random.Generator, count: int, shapes: Sequence[Shape], dtype: DTypeLike) -> Array:
    """Return directions `(K, size)` that are u vᵀ for each matrix `(fan_in, units)`, of normal u and v.

    So fan_in + units numbers are drawn instead of fan_in times units (LOZO, Chen et al. 2024; EGGROLL, Sarkar et al.
    2025). They scatter a little more than normal ones: the length of u vᵀ varies more. Vectors are normal.
    """
    parts = [_part(source, count, shape).reshape(count, -1) for shape in shapes]
    return np.concatenate(parts, axis=1).astype(dtype, copy=False)


def _part(source: np.random.Generator, count: int, shape: Shape) -> Array:
    if len(shape) == 1:
        return source.standard_normal((count, *shape))
    left = source.standard_normal((count, prod(shape[:-1]), 1))
    right = source.standard_normal((count, 1, shape[-1]))
    return left * right


def in_pieces(draw: Sampler, source: np.random.Generator, shape: Shape, pieces: int, dtype: DTypeLike) -> Array:
    """Return directions `(K, size)`, each 0 outside one of `pieces` equal ranges; its numbers are √pieces larger."""
    count, size = shape
    directions = np.zeros(shape, dtype)
    for direction, piece in zip(directions, source.integers(pieces, size=count), strict=True):
        start, stop = size * int(piece) // pieces, size * (int(piece) + 1) // pieces
        direction[start:stop] = sqrt(pieces) * draw(source, (1, stop - start), dtype)[0]
    return directions
