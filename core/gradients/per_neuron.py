"""The exact gradient, one pass for every unit.

A weight W_ij enters the loss only through unit j: `W + E_ij·ε` moves its pre-activation by `x_i·ε`, and a derivative is
linear, `J(x_i·e_j) = x_i·J(e_j)`. So the passes of all weights of a unit share one push of `e_j`, for every sample at
once, and `x` weighs what comes out: ∂L/∂W_ij = Σₙ x_ni·s_nj, where s_nj is the derivative of sample n's loss along e_j.
"""

from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate, pairwise
from typing import Literal

import numpy as np
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.dual import contract
from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate
from dualtrain.core.gradients.blocks import SAMPLES, Grid, Range, cut, grid
from dualtrain.core.gradients.cost_model import block_bytes, tangent_width
from dualtrain.core.gradients.exact import Exact
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.nn import Network
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array

ELEMENTS = 2**18
"""Numbers in the largest tangent of a block."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PerNeuron(Exact):
    """Every unit's pre-activation is a direction.

    The row of K units of a layer: ∂L/∂W of their weights `(fan_in, K)` in C order, of their K biases, and the loss.
    """

    method: Literal["per-neuron"] = "per-neuron"

    def blocks(self, network: Network, batch_size: int) -> Grid:
        return _blocks(network, batch_size)

    def row(self, forward: Forward, block: Block) -> Array:
        layer, units = _place(forward.network, block.directions)
        forward.reach(layer)
        slopes, inputs = forward.slopes(forward.moved(np.arange(units.start, units.stop)), contract), forward.inputs
        weights = inputs.shape[1] * len(slopes)
        bias = len(slopes) * (len(forward.layers[layer]) - 1)
        row = np.empty(weights + bias + 1, slopes.dtype)
        np.dot(inputs.T, slopes.T, out=row[:weights].reshape(-1, len(slopes)))
        if bias:
            np.add.reduce(slopes, axis=1, out=row[weights:-1])
        row[-1] = forward.loss if block.directions[0] == 0 else 0.0
        return row

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        gradient = np.empty(network.size, dtype)
        for block, row in zip(blocks, rows, strict=True):
            for target, part in _pieces(network, gradient, block, row[:-1]):
                if block.samples[0] == 0:
                    target[...] = part
                else:
                    target += part  # of later samples
        return Estimate(gradient, float(sum(row[-1] for row in rows)))

    def passes(self, network: Network) -> int:
        return sum(network.widths[1:])

    def cost(self, network: Network, batch_size: int) -> Cost:
        return Cost(block_bytes(network, batch_size, ELEMENTS), self.row_numbers(network, batch_size))


@lru_cache(maxsize=64)
def _blocks(network: Network, batch_size: int) -> Grid:
    samples = cut(0, batch_size, SAMPLES)
    start, stop = samples[-1]
    largest = stop - start
    directions = [
        cut(*units, ELEMENTS // (largest * tangent_width(network, layer)))
        for layer, units in enumerate(_units(network))
    ]
    return grid(directions, samples)


def _units(network: Network) -> list[Range]:
    """For each layer its units' numbers, counted through the whole network."""
    return list(pairwise(accumulate(network.widths[1:], initial=0)))


@lru_cache(maxsize=1024)
def _place(network: Network, directions: Range) -> tuple[int, slice]:
    """The layer these directions belong to, and which of its units they are."""
    first, last = directions
    layer, (start, _) = next(item for item in enumerate(_units(network)) if first < item[1][1])
    return layer, slice(first - start, last - start)


def _pieces(network: Network, gradient: Array, block: Block, row: Array) -> list[tuple[Array, Array]]:
    """Views of the gradient, each with the part of the row that belongs there."""
    layer, units = _place(network, block.directions)
    parts = [part for part in network.slices if part.layer == layer]
    whole = gradient[parts[0].start : parts[-1].stop]
    if len(row) == len(whole):
        return [(whole, row)]
    targets = [part.of(gradient)[..., units] for part in parts]
    ends = np.split(row, [targets[0].size])
    return [(target, end.reshape(target.shape)) for target, end in zip(targets, ends, strict=False)]
