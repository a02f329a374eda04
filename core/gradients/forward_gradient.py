"""An unbiased estimate of the gradient from random directions (Baydin et al. 2022, Ren et al. 2023).

Over the weights, a direction is a random tangent of the parameters. Over the activations it is a random tangent of
all pre-activations, drawn for each sample by itself: far fewer numbers for small batches, so the estimate is better;
what they say about the weights follows because a pre-activation is linear in its weights.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated, Literal

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.gradients import random_directions
from dualtrain.core.gradients.activation_perturbation import Activations
from dualtrain.core.gradients.base import Block, Cost, Draw, Estimate, Method
from dualtrain.core.gradients.blocks import Cut, Grid, cut, grid
from dualtrain.core.gradients.cost_model import FLOAT_BYTES
from dualtrain.core.gradients.forward import Forward, check_differentiable
from dualtrain.core.gradients.perturbations import Perturbation, last_layer_gradient
from dualtrain.core.gradients.weight_perturbation import Weights
from dualtrain.core.nn import Network
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Labels

ELEMENTS = 2**21
"""Numbers in all tangents of a block together."""
BLOCKS = 16
"""Independent directions are cut into as many blocks, or more when they are too large."""


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ForwardGradient(Method):
    """The mean of slope x direction over random directions of the weights or of the pre-activations.

    Directions are normal, of random signs, or orthogonal to each other within a block (for activations: within a block
    and a sample), which scatter less; orthogonal ones share as large a block as fits. With `exact_last_layer`, as in
    the code of Ren et al. 2023, the last layer is not perturbed and gets its exact gradient, one pass for each output.

    `guess="next-weights"` perturbs a layer's outputs in the span of the weights after it (`span.py`). `pieces` moves
    one of as many ranges of the parameters at a time. `average="projection"` takes the projection of the gradient on
    the directions of a block instead of their mean. All are unbiased.

    A row: the measurements of the perturbation, the last layer's exact gradient in block 0, the loss.
    """

    method: Literal["forward-gradient"] = "forward-gradient"
    directions: Annotated[int, Ge(1), Le(1_000_000)] = 16
    distribution: random_directions.Distribution = "normal"
    perturb: Literal["weights", "activations"] = "weights"
    exact_last_layer: bool = True
    guess: Literal["next-weights"] | None = None
    pieces: Annotated[int, Ge(1), Le(4096)] = 1
    average: Literal["mean", "projection"] = "mean"

    def check(self, network: Network) -> None:
        self._check_options()
        check_differentiable(network, self.method)
        self._check_linear(network)
        if self._perturbation.parameters(network) == 0:
            raise ValueError(
                "the network has one layer, and 'exact_last_layer' leaves nothing of it to estimate; "
                "use 'per-neuron', or set 'exact_last_layer' to false"
            )

    def blocks(self, network: Network, batch_size: int) -> Grid:
        largest = max(ELEMENTS // self._perturbation.numbers(network, batch_size), 1)
        evenly = -(-self.directions // BLOCKS)
        limit = self._perturbation.space(network) if self._fills_blocks else evenly
        return grid([cut(0, self.directions, min(largest, limit))], Cut(0, batch_size, 1))

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        forward = Forward(network, parameters, inputs, labels, (0, len(labels)))
        return [self._row(forward, parameters, block, draw) for block in blocks]

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        ends = [self._perturbation.row_numbers(network, block) for block in blocks]
        measurements = [row[:end] for row, end in zip(rows, ends, strict=True)]
        estimated = self._estimated(network, blocks, measurements, draw, float(rows[0][-1]))
        exact = rows[0][ends[0] : -1].astype(dtype, copy=False)
        gradient = np.concatenate([estimated.gradient.astype(dtype, copy=False), exact])
        return Estimate(gradient, estimated.loss, estimated.variance)

    def passes(self, network: Network) -> int:
        last = network.widths[network.trained_nodes[-1] + 1]
        return self.directions + (last if self.exact_last_layer else 0)

    def evaluations(self, network: Network) -> int:
        return 0

    def cost(self, network: Network, batch_size: int) -> Cost:
        at_once = max(ELEMENTS, self._perturbation.numbers(network, batch_size))
        blocks = self.blocks(network, batch_size)
        exact = network.size - self._perturbation.parameters(network)
        row_numbers = self._perturbation.all_row_numbers(network, blocks) + len(blocks) + exact
        combine_bytes = FLOAT_BYTES * self._perturbation.combine_numbers(network, blocks[0])
        return Cost(3.0 * at_once * FLOAT_BYTES, row_numbers, combine_bytes)

    def _check_linear(self, network: Network) -> None:
        """Raise a ValueError for a layer whose parameters only directions of themselves say something about."""
        needed = network.trained_nodes if self.perturb == "activations" else ()
        needed = needed or network.trained_nodes[-1:] if self.exact_last_layer else needed
        for node in (network.nodes[index] for index in needed):
            if not node.layer.is_linear:
                raise ValueError(
                    f"layer {node.index} is not linear in its parameters; set 'perturb' to 'weights' and "
                    "'exact_last_layer' to false"
                )

    @property
    def _perturbation(self) -> Perturbation:
        shared = (self.distribution, self.exact_last_layer)
        if self.perturb == "weights":
            return Weights(*shared, self.pieces)
        return Activations(*shared, self.guess == "next-weights")

    @property
    def _fills_blocks(self) -> bool:
        """Whether the directions of a block depend on each other, so that blocks should be full."""
        return self.distribution == "orthogonal" or self.average == "projection"

    def _check_options(self) -> None:
        """Raise a ValueError for options that do not go together."""
        of_weights = self.perturb == "weights"
        has_pieces = self.pieces > 1
        rules = (
            (self.guess and of_weights, "'guess' belongs to 'perturb': 'activations'"),
            (has_pieces and not of_weights, "'pieces' belongs to 'perturb': 'weights'"),
            (self.distribution == "low-rank" and not of_weights, "'low-rank' belongs to 'perturb': 'weights'"),
            (self.average == "projection" and not of_weights, "'projection' belongs to 'perturb': 'weights'; over "
             "activations the distribution 'orthogonal' is the same"),
            (has_pieces and (self.distribution in ("orthogonal", "low-rank") or self._fills_blocks),
             "'pieces' takes the distributions 'normal' and 'rademacher', and the mean"),
            (self.average == "projection" and self.distribution not in ("normal", "rademacher"),
             "'projection' takes the distributions 'normal' and 'rademacher'"),
        )  # fmt: skip
        for is_broken, message in rules:
            if is_broken:
                raise ValueError(message)

    def _estimated(
        self, network: Network, blocks: Sequence[Block], measurements: Sequence[Array], draw: Draw, loss: float
    ) -> Estimate:
        """Return the estimate for the perturbed layers."""
        perturbation = self._perturbation
        if self.average == "projection" and isinstance(perturbation, Weights):
            gradient, variance = perturbation.projection(network, blocks, measurements, draw)
            return Estimate(gradient, loss, variance)
        sums = perturbation.sums(network, blocks, measurements, draw)
        return random_directions.mean(sums, self.directions, loss, sums.total.dtype, self._overlap(network, blocks))

    def _overlap(self, network: Network, blocks: Sequence[Block]) -> float:
        """Return 1 for independent directions; K orthogonal ones leave `space - K` dimensions unseen."""
        if self.distribution != "orthogonal":
            return 1.0
        space = self._perturbation.space(network)
        first, last = blocks[0].directions
        return (space - (last - first)) / max(space - 1, 1)

    def _row(self, forward: Forward, parameters: Array, block: Block, draw: Draw) -> Array:
        is_first = block.directions[0] == 0
        measurements = self._perturbation.measure(forward, parameters, block, draw)
        exact = last_layer_gradient(forward) if is_first and self.exact_last_layer else ()
        loss = forward.loss if is_first else 0.0
        return np.concatenate([measurements, exact, [loss]], dtype=measurements.dtype)
