"""The tangent of one parameter, followed through the layers for one image."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.dual import DualTensor
from dualtrain.core.nn.network import Network, Slice
from dualtrain.core.nn.shaping import flatten

Vector = NDArray[np.float64]
Layers = list[tuple[Any, ...]]


@dataclass(frozen=True)
class Direction:
    """One parameter: number `parameter` of the flat vector, at `row`, `column` of an array (a bias: `column`).

    The columns of an array are its last axis, the filters of a kernel; its rows are all other axes in C order.
    """

    parameter: int
    layer: int
    name: str
    row: int
    column: int


@dataclass(frozen=True)
class Trace:
    """Effect of a direction on one sample: value and tangent after each layer, and of the loss."""

    layers: list[tuple[list[float], list[float]]]
    loss: float
    derivative: float
    step: float
    finite_difference: float


def locate(network: Network, parameter: int) -> Direction:
    """Return the place of a parameter of the flat vector. Raises LookupError."""
    part = next((part for part in network.slices if part.start <= parameter < part.stop), None)
    if part is None:
        raise LookupError(f"there is no parameter {parameter}; the network has {network.size}")
    row, column = divmod(parameter - part.start, part.shape[-1])
    return Direction(parameter, part.layer, part.name, row, column)


def address(network: Network, layer: int, name: str, row: int, column: int) -> Direction:
    """Return the parameter at a place of an array. Raises LookupError with the places that exist."""
    part = next((part for part in network.slices if (part.layer, part.name) == (layer, name)), None)
    if part is None:
        names = ", ".join(f"{part.layer} {part.name}" for part in network.slices)
        raise LookupError(f"layer {layer} has no {name!r}; there are: {names}")
    columns = part.shape[-1]
    rows = prod(part.shape[:-1])
    if row >= rows or column >= columns:
        raise LookupError(f"{name} of layer {layer} are {rows} x {columns}; there is no {row}, {column}")
    return Direction(part.start + row * columns + column, layer, name, row, column)


def trace(network: Network, parameters: Vector, direction: Direction, inputs: Vector, label: int) -> Trace:
    """Follow a direction for inputs (1, D), in float64: `W + E·ε` goes in, and `L + ∂L/∂W·ε` comes out.

    Raises TypeError for a layer that tangents cannot pass.
    """
    labels = np.array([label])
    perturbed = _dual_layers(network, parameters, direction)
    values = network.entry(inputs)
    layers: list[tuple[list[float], list[float]]] = []
    for index, arrays in enumerate(perturbed):
        values = network.step(index, arrays, values)
        is_last = index == len(perturbed) - 1
        if is_last or network.nodes[index + 1].index > network.nodes[index].index:  # the end of a layer of the spec
            layers.append(_both(network.outputs(values.inputs) if is_last else values.inputs))
    logits = flatten(values.inputs)
    loss, derivative = _both(network.sample_losses(logits, labels))
    step, difference = _difference(lambda theta: float(network.loss(theta, inputs, labels)), parameters, direction)
    return Trace(layers, loss[0], derivative[0], step, difference)


def _dual_layers(network: Network, parameters: Vector, direction: Direction) -> Layers:
    """Return the layers' arrays; only the one with the direction's parameter carries a tangent."""
    layers = network.unpack(parameters)
    moved = next(part for part in network.slices if part.start <= direction.parameter < part.stop)
    parts = [part for part in network.slices if part.node == moved.node]
    layers[moved.node] = tuple(_dual(part, parameters, direction) for part in parts)
    return layers


def _dual(part: Slice, parameters: Vector, direction: Direction) -> Any:
    value = part.of(parameters)
    if not part.start <= direction.parameter < part.stop:
        return value
    tangent = np.zeros(part.shape)
    tangent.flat[direction.parameter - part.start] = 1.0
    return DualTensor(value, tangent)


def _both(tensor: Any) -> tuple[list[float], list[float]]:
    """Return value and tangent of a tensor (1, n); a layer before the direction has no tangent."""
    value = tensor.primal if isinstance(tensor, DualTensor) else tensor
    tangent = tensor.tangent if isinstance(tensor, DualTensor) else np.zeros_like(value)
    return value.ravel().tolist(), tangent.ravel().tolist()


def _difference(f: Callable[[Vector], float], parameters: Vector, direction: Direction) -> tuple[float, float]:
    """Return the step and the central difference of `f`: the step balances truncation and round-off."""
    i = direction.parameter
    step = float(np.cbrt(np.finfo(np.float64).eps) * max(1.0, abs(parameters[i])))
    above = parameters.copy()
    below = parameters.copy()
    above[i] += step
    below[i] -= step
    return step, (f(above) - f(below)) / float(above[i] - below[i])
