"""Rough costs of one batch, for planning: never part of a result."""

from itertools import pairwise

from core.nn import Network

FLOAT_BYTES = 8
"""The widest numbers there are; plans are made before the dtype matters."""


def forward_flops(network: Network, batch_size: int) -> float:
    """One plain evaluation: a multiplication and an addition for every weight and sample."""
    return 2.0 * batch_size * network.size


def values_bytes(network: Network, batch_size: int) -> float:
    """Parameters, a copy of them, and the inputs of every layer."""
    return FLOAT_BYTES * (2.0 * network.size + batch_size * sum(network.widths))


def later_flops(network: Network, layer: int) -> float:
    """One tangent of one sample pushed through the layers after this one."""
    return 2.0 * sum(fan_in * units for fan_in, units in pairwise(network.widths[layer + 1 :]))
