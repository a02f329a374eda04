"""What the methods with random directions share: how directions are drawn, and how blocks make an estimate.

An estimate is the mean of slope·v over S random directions v with E[v vᵀ] = I, so its expectation is the gradient.
Each block's row is `[Σ slope·v (P numbers), Σ ‖slope·v‖², the block's share of the loss]`.
"""

from collections.abc import Callable, Sequence
from math import sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from core.gradients.base import Block, Draw, Estimate
from core.nn.tensor import Array

Distribution = Literal["normal", "rademacher", "orthogonal"]
Drawing: TypeAlias = Callable[[np.random.Generator, int, int, DTypeLike], Array]


def generator(draw: Draw, block: Block) -> np.random.Generator:
    """The source of a block's directions: the same wherever and however often it is made."""
    return np.random.default_rng((draw.seed, draw.step, draw.replica, block.index))


def _normal(source: np.random.Generator, count: int, size: int, dtype: DTypeLike) -> Array:
    return source.standard_normal((count, size)).astype(dtype, copy=False)


def _rademacher(source: np.random.Generator, count: int, size: int, dtype: DTypeLike) -> Array:
    bits = np.unpackbits(np.frombuffer(source.bytes(-(-count * size // 8)), np.uint8), count=count * size)
    return (bits.astype(dtype) * 2 - 1).reshape(count, size)


def _orthogonal(source: np.random.Generator, count: int, size: int, dtype: DTypeLike) -> Array:
    basis, triangle = np.linalg.qr(_normal(source, count, size, np.float64).T)
    signs = np.sign(np.diagonal(triangle))  # without them QR's choice of signs would favour some directions
    return np.ascontiguousarray((basis * (signs * sqrt(size))).T, dtype)


DISTRIBUTIONS: dict[Distribution, Drawing] = {
    "normal": _normal,
    "rademacher": _rademacher,
    "orthogonal": _orthogonal,
}
"""Functions `(generator, K, size, dtype) -> (K, size)` with E[v vᵀ] = I."""


def combine(rows: Sequence[Array], directions: int, dtype: DTypeLike, overlap: float = 1.0) -> Estimate:
    """The mean over all directions. `overlap` is 1 for independent ones, less when they avoid each other."""
    total = sum(rows[1:], start=rows[0])
    gradient, squares, loss = total[:-2] / directions, float(total[-2]), float(total[-1])
    variance = None
    if directions > 1:
        spread = squares / directions - float(gradient @ gradient)
        variance = max(overlap * spread, 0.0) / (directions - 1)
    return Estimate(gradient.astype(dtype, copy=False), loss, variance)
