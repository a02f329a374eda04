"""The exact gradient, one pass for every unit.

A weight W_ij enters the loss only through unit j: `W + E_ij·ε` moves its pre-activation by `x_i·ε`, and a derivative is
linear, `J(x_i·e_j) = x_i·J(e_j)`. So the passes of all weights of a unit share one push of `e_j`, for every sample at
once, and `x` weighs what comes out: ∂L/∂W_ij = Σₙ x_ni·s_nj, where s_nj is the derivative of sample n's loss along e_j.
A unit of a convolution is one position and channel. Where pushing all of them costs more than
pushing each parameter, as in a deep convolutional network, or where a layer is not linear in its parameters, the
parameters are pushed.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from pydantic.dataclasses import dataclass

from dualtrain.core.gradients.exact import Exact
from dualtrain.core.gradients.strategies import OneByOne, Strategy, Units, WholeNode
from dualtrain.core.gradients.tangent_widths import pushes_units
from dualtrain.core.nn import Dense, Network
from dualtrain.core.nn.config import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PerNeuron(Exact):
    """Every unit's pre-activation is a direction."""

    method: Literal["per-neuron"] = "per-neuron"

    def strategies(self, network: Network) -> tuple[Strategy, ...]:
        return _strategies(network)


@lru_cache(maxsize=64)
def _strategies(network: Network) -> tuple[Strategy, ...]:
    return tuple(_each(network))


def _each(network: Network) -> Iterator[Strategy]:
    for index in network.trained_nodes:
        layer, units = network.nodes[index].layer, network.widths[index + 1]
        if isinstance(layer, Dense) and layer.groups == 1:
            yield Units(network, index, units)
        elif pushes_units(network, index):
            yield WholeNode(network, index, units)
        else:
            parts = (part for part in network.slices if part.node == index)
            yield from (OneByOne(network, index, part.stop - part.start, part) for part in parts)
