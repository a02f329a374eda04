"""The ways in which exact methods get the slopes of a layer's parameters; which one fits depends on the layer.

A strategy has directions, numbered from 0, that it can cut into ranges; a range has a row, and the row belongs to some
places of the gradient.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np

from dualtrain.core.dual import DualTensor, EntrySeed, contract, inner
from dualtrain.core.dual.structured import Structure
from dualtrain.core.gradients.blocks import Cut, Range, cut
from dualtrain.core.gradients.forward import Forward
from dualtrain.core.gradients.tangent_widths import dense_width, unit_path
from dualtrain.core.nn import Network, Slice
from dualtrain.core.nn.tensor import Array, Tensor

ELEMENTS = 2**18
"""Numbers in the largest tangent of a block: few enough for a shared cache, enough to outweigh a block's overhead."""

_SPARE = np.zeros(1, np.float16)
"""The end of a row, which takes the loss; of the narrowest type, so that the row keeps its own."""


def unit_slopes(forward: Forward) -> Array:
    """Return the slopes `(n, *shape)` of the samples' shares of the loss along each unit of the node reached."""
    path, shape = unit_path(forward.network, forward.node), forward.pre_activations().shape
    units = prod(shape[1:])
    ranges = cut(0, units, units if path.shared else ELEMENTS // (shape[0] * path.width))
    parts = [forward.slopes(forward.moved(np.arange(*part)), contract) for part in ranges]
    slopes: Array = np.concatenate(parts).T.reshape(shape)
    return slopes


@dataclass(frozen=True)
class Strategy(ABC):
    """The slopes of parameters of one node."""

    network: Network
    node: int
    directions: int

    @abstractmethod
    def cut(self, samples: int) -> Cut:
        """Return the ranges of directions of a block with this many samples."""

    @abstractmethod
    def row(self, forward: Forward, directions: Range) -> Array:
        """Return the slopes of a range's parameters, flat, and one number more; `forward` has reached the node."""

    @abstractmethod
    def targets(self, gradient: Array, directions: Range) -> list[Array]:
        """Return views of the gradient `(P,)` that the row of a range fills, in its order."""

    @property
    @abstractmethod
    def operations(self) -> int:
        """About how many floating-point operations all directions take for one sample."""

    @cached_property
    def parts(self) -> tuple[Slice, ...]:
        """The parameter arrays of the node."""
        return tuple(part for part in self.network.slices if part.node == self.node)

    def _all(self, gradient: Array) -> Array:
        return gradient[self.parts[0].start : self.parts[-1].stop]


@dataclass(frozen=True)
class Entries(Strategy):
    """Single entries of one array of a dense layer, whose tangents stay single numbers up to the loss."""

    part: Slice

    def cut(self, samples: int) -> Cut:
        return cut(0, self.directions, ELEMENTS // samples)

    def row(self, forward: Forward, directions: Range) -> Array:
        entries = np.arange(*directions)
        if self.part.name.endswith("bias"):
            return np.append(forward.slopes(forward.moved(entries), inner), _SPARE)
        seeds = EntrySeed(*np.divmod(entries, self.part.shape[1]))
        return np.append(forward.slopes(seeds.after(forward.inputs_by_unit()), inner), _SPARE)

    def targets(self, gradient: Array, directions: Range) -> list[Array]:
        return [gradient[self.part.start + directions[0] : self.part.start + directions[1]]]

    @property
    def operations(self) -> int:
        return self.directions * (4 + 2 * sum(self.network.widths[self.node + 2 :]))


@dataclass(frozen=True)
class Units(Strategy):
    """Units of a dense layer, each with all of its weights: `J(x_i·e_j) = x_i·J(e_j)`.

    The row of K units: slopes of their weights `(fan_in, K)` in C order, and of their K biases.
    """

    def cut(self, samples: int) -> Cut:
        step = self.directions // self._units
        pieces = len(cut(0, self._units, ELEMENTS // (samples * unit_path(self.network, self.node).width)))
        return Cut(0, self.directions, pieces, step)

    def row(self, forward: Forward, directions: Range) -> Array:
        slopes = forward.slopes(forward.moved(np.arange(*self._range(directions))), contract)
        inputs = forward.inputs if forward.inputs.ndim == 2 else forward.inputs.reshape(len(forward.inputs), -1)
        weights = inputs.shape[1] * len(slopes)
        bias = len(slopes) * (len(self.parts) - 1)
        row = np.empty(weights + bias + 1, slopes.dtype)
        np.dot(inputs.T, slopes.T, out=row[:weights].reshape(-1, len(slopes)))
        if bias:
            np.add.reduce(slopes, axis=1, out=row[weights:-1])
        return row

    def targets(self, gradient: Array, directions: Range) -> list[Array]:
        if directions == (0, self.directions):
            return [self._all(gradient)]
        units = slice(*self._range(directions))
        return [part.of(gradient)[..., units] for part in self.parts]

    @property
    def operations(self) -> int:
        later = self.network.operations(self.node + 2) + sum(self.network.widths[self.node + 2 :])
        return self._units * (4 + 2 * self.network.widths[self.node] + later)

    @cached_property
    def _units(self) -> int:
        return self.network.widths[self.node + 1]

    def _range(self, directions: Range) -> Range:
        step = self.directions // self._units
        return directions[0] // step, directions[1] // step


@dataclass(frozen=True)
class WholeNode(Strategy):
    """All parameters of a layer at a time, from the slopes of all its units: of every position and channel."""

    def cut(self, samples: int) -> Cut:
        return Cut(0, self.directions, 1)

    def row(self, forward: Forward, directions: Range) -> Array:
        arrays = self.network.nodes[self.node].layer.parameter_slopes(forward.inputs, unit_slopes(forward))
        return np.concatenate([*(array.ravel() for array in arrays.values()), _SPARE], dtype=forward.inputs.dtype)

    def targets(self, gradient: Array, directions: Range) -> list[Array]:
        return [self._all(gradient)]

    @property
    def operations(self) -> int:
        path, node = unit_path(self.network, self.node), self.network.nodes[self.node]
        units = self.network.widths[self.node + 1]
        filters = self.network.shapes[self.node + 2 : self.node + 3]
        shared = 2 * path.shared * (filters[0][-1] if filters else 1)
        pushes = shared or units * (self.network.operations(self.node + 1) if path.width > 1 else 4)
        return pushes + node.layer.operations(self.network.shapes[self.node])


@dataclass(frozen=True)
class OneByOne(Strategy):
    """Single entries of one array of any layer: each is pushed as a tangent of its own through all that follows."""

    part: Slice

    def cut(self, samples: int) -> Cut:
        widest = max(self.network.widths[self.node], dense_width(self.network, self.node))
        width = max(samples * widest, self.part.stop - self.part.start)
        return cut(0, self.directions, ELEMENTS // width)

    def row(self, forward: Forward, directions: Range) -> Array:
        arrays: list[Tensor] = list(forward.layers[self.node])
        place = self.parts.index(self.part)
        arrays[place] = DualTensor(arrays[place], self._seeds(np.arange(*directions), arrays[place]))
        layer = self.network.nodes[self.node].layer
        return np.append(forward.onward(layer.connect(tuple(arrays), forward.inputs), inner), _SPARE)

    def targets(self, gradient: Array, directions: Range) -> list[Array]:
        return [gradient[self.part.start + directions[0] : self.part.start + directions[1]]]

    @property
    def operations(self) -> int:
        return self.directions * (self.network.widths[self.node + 1] + self.network.operations(self.node + 1))

    def _seeds(self, entries: np.ndarray, array: Array) -> Array | Structure:
        if self.part.name.endswith("kernel"):
            return EntrySeed(*np.divmod(entries, array.shape[-1]))
        seeds = np.zeros((len(entries), array.size), array.dtype)
        seeds[np.arange(len(entries)), entries] = 1
        return seeds.reshape(len(entries), *array.shape)
