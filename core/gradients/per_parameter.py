"""The exact gradient, one pass for every parameter: the method of the original blog post.

For a weight W_ij the layer is evaluated at `W + E_ij·ε`; what the loss's dual part then holds is ∂L/∂W_ij. The passes
of a layer share its pre-activations `x @ W + b`, which are computed once, and differ in what ε stands by: `x_i`, in
column j. Each pass stays cheap because its tangent is never built larger than what it changes: one column of the
pre-activations, and still one column after the activation. Where a later product would spread it, the passes of a
unit share the push of that unit: `x_i` only scales it.
"""

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from pydantic.dataclasses import dataclass

from dualtrain.core.gradients.exact import Exact
from dualtrain.core.gradients.strategies import Entries, OneByOne, Strategy, Units, WholeNode
from dualtrain.core.gradients.tangent_widths import pushes_units, unit_path
from dualtrain.core.nn import Dense, Network, Slice
from dualtrain.core.nn.config import CONFIG


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class PerParameter(Exact):
    """Every weight's E_ij and every bias is a direction of its own."""

    method: Literal["per-parameter"] = "per-parameter"

    def strategies(self, network: Network) -> tuple[Strategy, ...]:
        return _strategies(network)


@lru_cache(maxsize=64)
def _strategies(network: Network) -> tuple[Strategy, ...]:
    return tuple(_each(network))


def _each(network: Network) -> Iterator[Strategy]:
    for index in network.trained_nodes:
        layer = network.nodes[index].layer
        parts = [part for part in network.slices if part.node == index]
        parameters = sum(part.stop - part.start for part in parts)
        if isinstance(layer, Dense) and layer.groups == 1:
            thin = unit_path(network, index).width == 1
            yield from _of_entries(Entries, network, parts) if thin else (Units(network, index, parameters),)
        elif pushes_units(network, index):
            yield WholeNode(network, index, parameters)
        else:
            yield from _of_entries(OneByOne, network, parts)


def _of_entries(kind: type[Entries] | type[OneByOne], network: Network, parts: list[Slice]) -> Iterator[Strategy]:
    return (kind(network, part.node, part.stop - part.start, part) for part in parts)
