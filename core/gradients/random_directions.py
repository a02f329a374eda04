"""Random directions: how they are drawn, and how their slopes become an estimate of the gradient.

The mean of slope·v over S random directions v with E[v vᵀ] = I has the gradient as its expectation. A direction is
never sent: the draw and the block determine it, so a block's row holds one slope for each direction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import prod, sqrt
from typing import Any, Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.gradients.base import Block, Draw, Estimate
from dualtrain.core.nn.base import Shape
from dualtrain.core.nn.tensor import Array

Distribution = Literal["normal", "rademacher", "orthogonal", "low-rank"]
Sampler: TypeAlias = Callable[[np.random.Generator, Shape, DTypeLike], Array]

CACHED_BLOCKS = 16
CACHED_NUMBERS = 2**17
"""Larger blocks of directions are drawn again for the sum: 16 of this size take 16 MB in float64."""


def generator(draw: Draw, block: Block) -> np.random.Generator:
    """Return the random generator of a block's directions: the same on every host and in every process."""
    return np.random.default_rng((draw.seed, draw.step, draw.replica, block.index))


def _normal(source: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
    is_single = np.dtype(dtype) == np.float32
    return source.standard_normal(shape, np.float32 if is_single else np.float64)


def _rademacher(source: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
    count = prod(shape)
    bits = np.unpackbits(np.frombuffer(source.bytes(-(-count // 8)), np.uint8), count=count)
    return (bits.astype(dtype) * 2 - 1).reshape(shape)


def _orthogonal(source: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
    normal = np.moveaxis(source.standard_normal(shape), 0, -1)  # (*batch, size, K)
    basis, triangle = np.linalg.qr(normal)
    signs = np.sign(np.diagonal(triangle, axis1=-2, axis2=-1))  # else QR's choice of signs would favor directions
    scaled = basis * (signs * sqrt(shape[-1]))[..., None, :]
    return np.ascontiguousarray(np.moveaxis(scaled, -1, 0), dtype)


DISTRIBUTIONS: dict[Distribution, Sampler] = {
    "normal": _normal,
    "rademacher": _rademacher,
    "orthogonal": _orthogonal,
}
"""Functions `(generator, shape, dtype) -> array` of K directions, shape `(K, *batch, size)`, with E[v vᵀ] = I.

Orthogonal ones are orthogonal to each other along `size`, for each entry of the batch; K is at most `size` for them.
Low-rank ones need the shapes of the parameters: `structured_directions.low_rank`.
"""


@dataclass(frozen=True)
class Directions:
    """K directions `(K, size)` for each block, a function of the draw and the block alone.

    `sample` is hashable: `(generator, K, dtype) -> (K, size)`.
    """

    sample: Callable[[np.random.Generator, int, DTypeLike], Array]
    size: int

    def of(self, draw: Draw, block: Block, dtype: DTypeLike) -> Array:
        """Return the block's directions, read-only; a process that has just used small ones does not draw again."""
        count = block.directions[1] - block.directions[0]
        function = _cached if count * self.size <= CACHED_NUMBERS else _drawn
        return function(self, draw, block, count, np.dtype(dtype))


def _drawn(directions: Directions, draw: Draw, block: Block, count: int, dtype: np.dtype[Any]) -> Array:
    array = directions.sample(generator(draw, block), count, dtype)
    array.setflags(write=False)
    return array


_cached = lru_cache(maxsize=CACHED_BLOCKS)(_drawn)


@dataclass(frozen=True)
class Sums:
    """What some directions add up to: `total` = Σ slope·v `(size,)` and `squares` = Σ ‖slope·v‖²."""

    total: Array
    squares: float


def summed(slopes: Array, directions: Array) -> Sums:
    """Return the sums of slopes `(K,)` times directions `(K, size)`."""
    squares = np.einsum("kp,kp->k", directions, directions)
    return Sums(slopes @ directions, float(slopes * slopes @ squares))


def projected(directions: Array, slopes: Array) -> tuple[Array, int]:
    """Return the unbiased projection `(size,)` of a gradient on the span of directions, and the dimensions of the span.

    The projection V (Vᵀ V)⁻¹ s of its slopes s is the part of the gradient that lies in the span (FROG, Flügel et al.
    2024); times size over dimensions its mean is the gradient, for directions that no coordinate is special to.
    """
    size = directions.shape[1]
    gram = (directions @ directions.T).astype(np.float64)
    weights, _, dimensions, _ = np.linalg.lstsq(gram, slopes.astype(np.float64), rcond=1e-9)
    scaled = (weights * (size / dimensions)).astype(slopes.dtype)
    return scaled @ directions, int(dimensions)


def mean(sums: Sums, directions: int, loss: float, dtype: DTypeLike, overlap: float = 1.0) -> Estimate:
    """Return the mean over all directions, with its variance.

    `overlap` is 1 for independent directions, less for those that avoid each other.
    """
    gradient = sums.total / directions
    variance = None
    if directions > 1:
        spread = sums.squares / directions - float(gradient @ gradient)
        variance = max(overlap * spread, 0.0) / (directions - overlap)
    return Estimate(gradient.astype(dtype, copy=False), loss, variance)
