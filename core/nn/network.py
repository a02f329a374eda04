"""A feed-forward network over one flat parameter vector.

Conventions: N samples, D inputs, C classes, P parameters. `parameters` is `(P,)`: layer after layer, weights in C
order, then the bias. `inputs` is `(N, D)`; labels are `(N,)` class numbers or `(N, C)` one-hot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod
from typing import NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dualtrain.core.nn.activations import Activation, identity, softmax
from dualtrain.core.nn.base import Shape
from dualtrain.core.nn.layers import AnyLayer, Node, check_shapes, nodes
from dualtrain.core.nn.losses import LOSSES, LossName, one_hot
from dualtrain.core.nn.shaping import add_skip, flatten
from dualtrain.core.nn.tensor import Array, Labels, Tensor


@dataclass(frozen=True)
class Slice:
    """Where one array of a layer lies in the flat vector: `parameters[start:stop]`, in C order of `shape`."""

    layer: int
    name: str
    start: int
    stop: int
    shape: Shape
    node: int
    """The number of the layer among those that are computed one by one; other than `layer` behind residual blocks."""

    def of(self, parameters: Tensor) -> Tensor:
        """Return a view of this part of the vector in its shape."""
        return parameters[self.start : self.stop].reshape(self.shape)


class Values(NamedTuple):
    """What enters a node: its inputs `(N, *shape)`, and inside a residual block the inputs of the block."""

    inputs: Tensor
    skip: Tensor | None = None


@dataclass(frozen=True, init=False)
class Network:
    """Layers in a row and a loss.

    `input_size` is the number of inputs, or the shape `(height, width, channels)` that layers see the inputs in. The
    logits are what the last layer puts out before its softmax, if it has one. Cross-entropy is taken of the softmax of
    the logits in any case; the mean squared error of what the last layer puts out.
    """

    input_size: int | Shape
    layers: tuple[AnyLayer, ...]
    loss_name: LossName

    def __init__(self, input_size: int | Shape, layers: Sequence[AnyLayer], loss: LossName = "cross-entropy") -> None:
        sides = input_size if isinstance(input_size, tuple) else (input_size,)
        if min(sides, default=0) < 1 or len(sides) not in (1, 3) or not layers:
            raise ValueError(f"a network needs inputs and layers; got input_size {input_size} and {len(layers)} layers")
        if loss not in LOSSES:
            raise ValueError(f"there is no loss {loss!r}; there are: {', '.join(LOSSES)}")
        for name, value in (("input_size", input_size), ("layers", tuple(layers)), ("loss_name", loss)):
            object.__setattr__(self, name, value)  # `loss` is a method, so the field needs another name

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The layers in the order in which they are computed; of a residual block those inside."""
        return tuple(nodes(self.layers))

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of a sample before each node, and at the end behind the last. Raises LayerFault."""
        first = self.input_size if isinstance(self.input_size, tuple) else (self.input_size,)
        check_shapes(self.layers, first)
        shapes: list[Shape] = [first]
        for node in self.nodes:
            shapes.append(node.layer.output_shape(shapes[-1]))
        return tuple(shapes)

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """How many numbers of a sample go into each node, and at the end how many come out of the last."""
        return tuple(map(prod, self.shapes))

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """The ranges of the flat vector, in order."""
        slices: list[Slice] = []
        for index, (node, before) in enumerate(zip(self.nodes, self.shapes, strict=False)):
            for name, shape in node.layer.shapes(before).items():
                start = slices[-1].stop if slices else 0
                stop = start + prod(shape)
                slices.append(Slice(node.index, node.prefix + name, start, stop, shape, index))
        return tuple(slices)

    @cached_property
    def size(self) -> int:
        """P, the number of parameters."""
        return self.slices[-1].stop if self.slices else 0

    @cached_property
    def trained_nodes(self) -> tuple[int, ...]:
        """The numbers of the nodes that have parameters."""
        return tuple(dict.fromkeys(part.node for part in self.slices))

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each node; a softmax of the last one is left to `outputs` or to the loss."""
        own = tuple(node.layer.function for node in self.nodes)
        return (*own[:-1], identity) if self._ends_in_softmax else own

    @property
    def classes(self) -> int:
        """C, how many numbers the last layer puts out."""
        return self.widths[-1]

    def init(self, seed: int, dtype: DTypeLike = np.float32) -> Array:
        """Return the first parameters `(P,)`: drawn in float64, so all dtypes start from the same numbers."""
        generator = np.random.default_rng(seed)
        pairs = zip(self.nodes, self.shapes, strict=False)
        arrays = [array.ravel() for node, shape in pairs for array in node.layer.init(generator, shape)]
        return np.concatenate(arrays).astype(dtype)

    def spread(self, values: Sequence[float], dtype: DTypeLike) -> Array:
        """Return a vector `(P,)` with the value of each layer at its parameters."""
        return np.concatenate([np.full(part.stop - part.start, values[part.layer], dtype) for part in self.slices])

    def unpack(self, parameters: Tensor) -> list[tuple[Tensor, ...]]:
        """Return views of the vector `(P,)`: for each node its arrays. Raises ValueError for another shape."""
        if parameters.shape != (self.size,):
            raise ValueError(
                f"the network has {self.size} parameters; a vector ({self.size},) is needed, not {parameters.shape}"
            )
        arrays: list[tuple[Tensor, ...]] = [()] * len(self.nodes)
        for part in self.slices:
            arrays[part.node] += (part.of(parameters),)
        return arrays

    def logits(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Return what the last layer puts out `(N, C)`, before its softmax if it has one."""
        return self.forward(self.unpack(parameters), self.entry(inputs), 0)

    def entry(self, inputs: Tensor) -> Values:
        """Return inputs `(N, D)` as the first node sees them."""
        if isinstance(self.input_size, tuple):
            inputs = inputs.reshape(len(inputs), *self.input_size)
        return Values(inputs)

    def forward(self, arrays: list[tuple[Tensor, ...]], values: Values, start: int) -> Tensor:
        """Return the logits, from what enters node number `start` on."""
        for index in range(start, len(self.nodes)):
            values = self.step(index, arrays[index], values)
        return flatten(values.inputs)

    def trace(self, arrays: list[tuple[Tensor, ...]], inputs: Tensor) -> list[Values]:
        """Return what enters each node, and at the end what leaves the last."""
        trace = [self.entry(inputs)]
        for index, own in enumerate(arrays):
            trace.append(self.step(index, own, trace[-1]))
        return trace

    def step(self, index: int, arrays: tuple[Tensor, ...], values: Values) -> Values:
        """Return what node number `index` passes on to the next."""
        return self.activate(index, self.nodes[index].layer.connect(arrays, values.inputs), values)

    def activate(self, index: int, pre_activations: Tensor, values: Values) -> Values:
        """Return what node number `index` passes on, from its pre-activations and from what entered it."""
        outputs = self.activations[index](pre_activations)
        node = self.nodes[index]
        skip = values.inputs if node.opens else values.skip
        return Values(add_skip(skip, outputs)) if node.closes else Values(outputs, skip)

    def operations(self, start: int = 0) -> int:
        """Return about how many floating-point operations a sample takes from node number `start` on."""
        pairs = zip(self.nodes[start:], self.shapes[start:], strict=False)
        return sum(node.layer.operations(shape) for node, shape in pairs)

    def outputs(self, logits: Tensor) -> Tensor:
        """Return what the last layer puts out, its softmax included."""
        return softmax(logits) if self._ends_in_softmax else logits

    def probabilities(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """Return the softmax of the logits, `(N, C)`."""
        return softmax(self.logits(parameters, inputs))

    def predict(self, parameters: Array, inputs: Array) -> NDArray[np.int64]:
        """Return the most probable class of each sample, `(N,)`."""
        classes: NDArray[np.int64] = np.argmax(self.logits(parameters, inputs), axis=-1)
        return classes

    def loss(self, parameters: Tensor, inputs: Tensor, labels: Labels) -> Tensor:
        """Return the mean of the samples' losses."""
        return np.mean(self.sample_losses(self.logits(parameters, inputs), labels))

    def sample_losses(self, logits: Tensor, labels: Labels) -> Tensor:
        """Return the loss of each sample, `(N,)`."""
        return LOSSES[self.loss_name].of(self.ending(logits), one_hot(labels, self.classes, logits.dtype))

    @cached_property
    def ending(self) -> Activation:
        """The softmax, if the last layer has one that the loss does not include: the loss is taken of its outputs."""
        return softmax if self._ends_in_softmax and not LOSSES[self.loss_name].takes_logits else identity

    @property
    def _ends_in_softmax(self) -> bool:
        last = self.nodes[-1]
        return last.layer.function is softmax and not last.closes and len(self.shapes[-1]) == 1
