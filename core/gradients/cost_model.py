"""Rough costs of one batch, for planning, and how many samples a block of an exact method has."""

from functools import lru_cache
from math import prod

from dualtrain.core.gradients.strategies import ELEMENTS
from dualtrain.core.gradients.tangent_widths import dense_width, pushes_units, unit_path
from dualtrain.core.nn import Conv2D, Custom, Dense, Network

FLOAT_BYTES = 8
"""The widest numbers there are; plans are made before the dtype matters."""
SAMPLES = 256
"""Samples of a block of a dense network: enough for fast matrix products, few enough that layers stay in the cache."""
IMAGE_SAMPLES = 32
"""The same for other networks, whose samples take more work, so that there is more to share among workers."""
NUMBERS = 2**23
"""Numbers in what all units of a layer share, for all samples of a block."""


@lru_cache(maxsize=64)
def samples_at_once(network: Network) -> int:
    """Return how many samples a block of an exact method has at most."""
    if all(isinstance(node.layer, Custom) or _is_plain(node.layer) for node in network.nodes):
        return SAMPLES
    return max(1, min(IMAGE_SAMPLES, NUMBERS // max(1, *map(lambda node: _shared(network, node), _trained(network)))))


def values_bytes(network: Network, batch_size: int) -> float:
    """Return the bytes of parameters, a copy of them, and the inputs of every layer, patches included."""
    return FLOAT_BYTES * (2.0 * network.size + batch_size * (sum(network.widths) + _patches(network)))


def block_bytes(network: Network, batch_size: int) -> float:
    """Return the peak memory of a block: one direction may have more numbers than `ELEMENTS` alone."""
    samples = min(batch_size, samples_at_once(network))
    widest = max((_width(network, node) for node in _trained(network)), default=1)
    shared = max((_shared(network, node) for node in _trained(network)), default=0)
    numbers = 4.0 * max(2 * ELEMENTS, samples * widest) + 2.0 * samples * shared
    return FLOAT_BYTES * numbers + values_bytes(network, samples)


def _is_plain(layer: object) -> bool:
    return isinstance(layer, Dense) and layer.groups == 1


def _trained(network: Network) -> list[int]:
    """Return the nodes that have parameters."""
    return list(network.trained_nodes)


def _width(network: Network, node: int) -> int:
    units = pushes_units(network, node) or _is_plain(network.nodes[node].layer)
    return unit_path(network, node).width if units else dense_width(network, node)


def _shared(network: Network, node: int) -> int:
    """Return the numbers for each sample in what all units of a node share, and in all of them at a time."""
    path = unit_path(network, node)
    if not path.shared or not pushes_units(network, node):
        return 0
    return path.shared + network.widths[node + 1] * path.width


def _patches(network: Network) -> int:
    """Return the numbers for each sample in the patches of the widest convolution."""
    sizes = (
        prod(after[:2]) * node.layer.kernel_size**2 * before[2]
        for node, before, after in zip(network.nodes, network.shapes, network.shapes[1:], strict=False)
        if isinstance(node.layer, Conv2D)
    )
    return max(sizes, default=0)
