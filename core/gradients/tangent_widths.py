"""How wide tangents get on their way to the loss: it decides how they are pushed, and how many at a time."""

from dataclasses import dataclass, replace
from functools import lru_cache
from math import prod
from typing import Literal

from dualtrain.core.nn import Conv2D, Dense, Network
from dualtrain.core.nn.activations import identity, softmax
from dualtrain.core.nn.base import Layer, Shape
from dualtrain.core.nn.pooling import AvgPool2D, MaxPool2D


@dataclass(frozen=True)
class Path:
    """The way of the tangents of single units of a node.

    `form` is how the tangent of one unit is stored at its end, `width` the numbers for each unit and sample in the
    widest array on the way. `shared` are numbers for each sample in arrays that all units of the node share: where
    there are any, all units go at a time.
    """

    form: Literal["unit", "outer", "sloped outer", "windows", "cube", "dense"] = "unit"
    width: int = 1
    shared: int = 0

    def become(self, form: Literal["cube", "dense"], width: int) -> "Path":
        return Path(form, max(self.width, width), self.shared)


@lru_cache(maxsize=4096)
def unit_path(network: Network, node: int) -> Path:
    """Return the way of the tangents of a node's units to the loss."""
    path = Path()
    for index in range(node, len(network.nodes)):
        after = network.shapes[index + 1]
        if index > node:
            path = _through(network.nodes[index].layer, network.shapes[index], after, path)
        path = _activated(network.activations[index], after, path)
        if network.nodes[index].closes and not _within(network, node, index):
            path = path.become("dense", prod(after))
    return _activated(network.ending, network.shapes[-1], path)


def dense_width(network: Network, node: int) -> int:
    """Return the numbers for each direction and sample in the widest tangent on the way from a node to the loss."""
    pairs = range(node + 1, len(network.nodes))
    later = [
        _workspace(network.nodes[index].layer, network.shapes[index], network.shapes[index + 1]) for index in pairs
    ]
    return max(network.widths[node + 1], *later, 1)


@lru_cache(maxsize=4096)
def pushes_units(network: Network, node: int) -> bool:
    """Return whether pushing a node's units, and weighing them, takes less than pushing each of its parameters."""
    layer, shape = network.nodes[node].layer, network.shapes[node]
    parameters = sum(map(prod, layer.shapes(shape).values()))
    path = unit_path(network, node)
    units = network.widths[node + 1] * path.width + path.shared
    return layer.is_linear and units <= parameters * dense_width(network, node)


def _within(network: Network, node: int, closing: int) -> bool:
    """Return whether a node lies in the residual block that is closed, so that its tangents do not go around it."""
    return not any(network.nodes[index].opens for index in range(node + 1, closing + 1))


def _through(layer: Layer, before: Shape, after: Shape, path: Path) -> Path:
    if isinstance(layer, Dense) and layer.groups == 1 and path.form != "dense":
        return _through_dense(path, prod(before), layer.units)
    if isinstance(layer, Conv2D) and path.form == "unit" and len(before) == 3:
        size, channels = layer.kernel_size**2, before[2]
        taps = after[0] * after[1] * size * channels + prod(before)
        return Path("windows", path.width, taps)  # for each column of the product that follows
    is_pooling = isinstance(layer, MaxPool2D | AvgPool2D) and layer.windows(before).is_partition
    if is_pooling and path.form in ("unit", "windows"):
        return path
    return path.become("dense", _workspace(layer, before, after))


def _through_dense(path: Path, fan_in: int, units: int) -> Path:
    if path.form in ("unit", "outer"):
        return replace(path, form="outer")
    if path.form == "windows":
        return Path("cube", max(path.width, units), path.shared * units)
    return path.become("cube", units)


def _activated(activation: object, shape: Shape, path: Path) -> Path:
    if activation is identity:
        return path
    if activation is softmax:
        return path.become("dense", prod(shape))
    return replace(path, form="sloped outer") if path.form == "outer" else path


def _workspace(layer: Layer, before: Shape, after: Shape) -> int:
    """Return the numbers for each direction and sample that a dense tangent takes on its way through a layer."""
    patches = after[0] * after[1] * layer.kernel_size**2 * before[2] if isinstance(layer, Conv2D) else 0
    return max(prod(before), prod(after), patches)
