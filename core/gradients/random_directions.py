"""What the methods with random directions share: how directions are drawn, and how blocks make an estimate.

An estimate is the mean of slope·v over S random directions v with E[v vᵀ] = I, so its expectation is the gradient.
Each block's row is `[Σ slope·v (P numbers), Σ ‖slope·v‖², the block's share of the loss]`.
"""

from collections.abc import Callable, Sequence
from math import prod, sqrt
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.gradients.base import Block, Draw, Estimate
from dualtrain.core.nn import Network
from dualtrain.core.nn.layers import Shape
from dualtrain.core.nn.tensor import Array

Distribution = Literal["normal", "rademacher", "orthogonal"]
Drawing: TypeAlias = Callable[[np.random.Generator, Shape, DTypeLike], Array]


def generator(draw: Draw, block: Block) -> np.random.Generator:
    """The source of a block's directions: the same wherever and however often it is made."""
    return np.random.default_rng((draw.seed, draw.step, draw.replica, block.index))


def _normal(source: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
    return source.standard_normal(shape).astype(dtype, copy=False)


def _rademacher(source: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
    count = prod(shape)
    bits = np.unpackbits(np.frombuffer(source.bytes(-(-count // 8)), np.uint8), count=count)
    return (bits.astype(dtype) * 2 - 1).reshape(shape)


def _orthogonal(source: np.random.Generator, shape: Shape, dtype: DTypeLike) -> Array:
    normal = np.moveaxis(source.standard_normal(shape), 0, -1)  # (*batch, size, K)
    basis, triangle = np.linalg.qr(normal)
    signs = np.sign(np.diagonal(triangle, axis1=-2, axis2=-1))  # else QR's choice of signs would favour directions
    scaled = basis * (signs * sqrt(shape[-1]))[..., None, :]
    return np.ascontiguousarray(np.moveaxis(scaled, -1, 0), dtype)


DISTRIBUTIONS: dict[Distribution, Drawing] = {
    "normal": _normal,
    "rademacher": _rademacher,
    "orthogonal": _orthogonal,
}
"""Functions `(generator, shape, dtype) -> array` of K directions, shape `(K, *batch, size)`, with E[v vᵀ] = I.

Orthogonal ones are orthogonal to each other along `size`, for each entry of the batch; K is at most `size` for them.
"""


def row_numbers(network: Network, blocks: Sequence[Block]) -> int:
    """How many numbers the rows of these blocks have."""
    return len(blocks) * (network.size + 2)


def combine(rows: Sequence[Array], directions: int, dtype: DTypeLike, overlap: float = 1.0) -> Estimate:
    """The mean over all directions. `overlap` is 1 for independent ones, less when they avoid each other."""
    total = sum(rows[1:], start=rows[0])
    gradient, squares, loss = total[:-2] / directions, float(total[-2]), float(total[-1])
    variance = None
    if directions > 1:
        spread = squares / directions - float(gradient @ gradient)
        variance = max(overlap * spread, 0.0) / (directions - 1)
    return Estimate(gradient.astype(dtype, copy=False), loss, variance)
