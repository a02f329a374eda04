"""The exact gradient, one pass for every parameter: the blog's method.

For a weight W_ij the layer is evaluated at `W + E_ij·ε`; what the loss's dual part then holds is ∂L/∂W_ij. The passes
of a layer share its pre-activations `x @ W + b`, which are computed once, and differ in what ε stands by: `x_i`, in
column j. Each pass stays cheap because its tangent is never built larger than what it changes: one column of the
pre-activations, and still one column after the activation.
"""

from collections.abc import Sequence
from functools import lru_cache
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.dual import EntrySeed, UnitTangent, inner
from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate
from dualtrain.core.gradients.blocks import SAMPLES, Grid, cut, grid
from dualtrain.core.gradients.cost_model import block_bytes, tangent_width
from dualtrain.core.gradients.exact import Exact
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.nn import Network, Slice
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array

ELEMENTS = 2**18
"""Numbers in the largest tangent of a block: few enough for a shared cache, enough to outweigh a block's overhead."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PerParameter(Exact):
    """Every weight's E_ij and every bias is a direction of its own. A row: ∂L/∂θ of its directions, and the loss."""

    method: Literal["per-parameter"] = "per-parameter"

    def blocks(self, network: Network, batch_size: int) -> Grid:
        return _blocks(network, batch_size)

    def row(self, forward: Forward, block: Block) -> Array:
        part = next(part for part in forward.network.slices if block.directions[0] < part.stop)
        forward.reach(part.layer)
        slopes = forward.slopes(_tangent(forward, part, block), inner)
        return np.append(slopes, slopes.dtype.type(forward.loss if block.directions[0] == 0 else 0.0))

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        gradient = np.zeros(network.size, dtype)
        for block, row in zip(blocks, rows, strict=True):
            gradient[slice(*block.directions)] += row[:-1]
        return Estimate(gradient, float(sum(row[-1] for row in rows)))

    def passes(self, network: Network) -> int:
        return network.size

    def cost(self, network: Network, batch_size: int) -> Cost:
        return Cost(block_bytes(network, batch_size, 2 * ELEMENTS), self.row_numbers(network, batch_size))


@lru_cache(maxsize=64)
def _blocks(network: Network, batch_size: int) -> Grid:
    samples = cut(0, batch_size, SAMPLES)
    start, stop = samples[-1]
    largest = stop - start
    directions = [
        cut(part.start, part.stop, ELEMENTS // (largest * tangent_width(network, part.layer)))
        for part in network.slices
    ]
    return grid(directions, samples)


def _tangent(forward: Forward, part: Slice, block: Block) -> UnitTangent:
    """The tangent that the layer's pre-activations have when each direction is 1 at one of the part's entries."""
    entries = np.arange(*block.directions) - part.start
    if part.name == "weights":
        return EntrySeed(*np.divmod(entries, part.shape[1])).after(forward.inputs_by_unit())
    return forward.moved(entries)
