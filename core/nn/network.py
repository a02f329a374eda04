"""A feed-forward network over one flat parameter vector.

Conventions: N samples, D inputs, C classes, P parameters. `parameters` is `(P,)`: layer after layer, weights in C
order, then the bias. `inputs` is `(N, D)`; labels are `(N,)` class numbers or `(N, C)` one-hot.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from math import prod
from typing import Annotated, NamedTuple

import numpy as np
from annotated_types import Ge, Le
from numpy.typing import DTypeLike, NDArray
from pydantic.dataclasses import dataclass as checked_dataclass

from dualtrain.core.nn.activations import Activation, identity, softmax
from dualtrain.core.nn.base import LayerFault, Shape
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.dense import Dense
from dualtrain.core.nn.layers import AnyLayer, Node, check_shapes, nodes, parameters_of
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


@checked_dataclass(frozen=True, config=CONFIG)
class LocalLosses:
    """Every hidden layer with parameters has a linear head and a loss of its own, and passes no tangents on.

    What follows such a layer up to the next one belongs to it; so does all of a residual block. The last layer of the
    network is the head of the last hidden one, and predicts. With `groups` above 1 the outputs of the others are cut
    into as many equal groups, each with a head and a loss.
    """

    groups: Annotated[int, Ge(1), Le(256)] = 1


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
    local_losses: LocalLosses | None
    heads: int
    """Equal parts of the last layer's outputs, each with the loss; above 1 only inside a network with local losses."""

    def __init__(
        self,
        input_size: int | Shape,
        layers: Sequence[AnyLayer],
        loss: LossName = "cross-entropy",
        local_losses: LocalLosses | None = None,
        heads: int = 1,
    ) -> None:
        sides = input_size if isinstance(input_size, tuple) else (input_size,)
        if min(sides, default=0) < 1 or len(sides) not in (1, 3) or not layers:
            raise ValueError(f"a network needs inputs and layers; got input_size {input_size} and {len(layers)} layers")
        if loss not in LOSSES:
            raise ValueError(f"there is no loss {loss!r}; there are: {', '.join(LOSSES)}")
        fields = {"input_size": input_size, "layers": tuple(layers), "loss_name": loss}
        for name, value in (fields | {"local_losses": local_losses, "heads": heads}).items():
            object.__setattr__(self, name, value)  # `loss` is a method, so the field needs another name

    @cached_property
    def nodes(self) -> tuple[Node, ...]:
        """The layers in the order in which they are computed; of a residual block those inside."""
        if self.local_losses is None:
            return tuple(nodes(self.layers))
        return tuple(node for part in self.parts for node in part.nodes)

    @cached_property
    def shapes(self) -> tuple[Shape, ...]:
        """The shape of a sample before each node, and at the end behind the last. Raises LayerFault."""
        first = self.input_size if isinstance(self.input_size, tuple) else (self.input_size,)
        check_shapes(self.layers, first)
        shapes: list[Shape] = [first]
        for node in self.nodes:
            shapes.append(shapes[-1] if node.is_head else node.layer.output_shape(shapes[-1]))
        return tuple(shapes)

    @cached_property
    def classes_of_last(self) -> int:
        """How many numbers the last layer puts out, known without the heads of local losses."""
        shape = self.input_size if isinstance(self.input_size, tuple) else (self.input_size,)
        for layer in self.layers:
            shape = layer.output_shape(shape)
        return prod(shape)

    @cached_property
    def parts(self) -> tuple["Part", ...]:
        """The networks that are trained apart: with local losses one for each hidden layer with parameters."""
        return tuple(_parts(self))

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
        """C, how many numbers the last layer puts out, for each of its heads."""
        return self.widths[-1] // self.heads

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
        if self.nodes[index].is_head:
            return values
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
        return sum(node.layer.operations(shape) for node, shape in pairs if not node.is_head)

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
        """Return the loss of each sample, `(N,)`, of several heads their sum."""
        targets = one_hot(labels, self.classes, logits.dtype)
        if self.heads == 1:
            return LOSSES[self.loss_name].of(self.ending(logits), targets)
        by_head = np.reshape(logits, (len(logits), self.heads, self.classes))
        losses = LOSSES[self.loss_name].of(self.ending(by_head), np.repeat(targets[:, None], self.heads, axis=1))
        return np.sum(losses, axis=-1)

    def differentiate(self, outputs: Array, targets: Array) -> tuple[Array, Array]:
        """Return the losses `(N,)` of outputs behind `ending`, and their derivative in the outputs' shape.

        `targets` are `(N, C)`.
        """
        if self.heads == 1:
            return LOSSES[self.loss_name].differentiate(outputs, targets)
        by_head = outputs.reshape(len(outputs), self.heads, self.classes)
        losses, derivative = LOSSES[self.loss_name].differentiate(by_head, targets[:, None])
        return losses.sum(axis=-1), derivative.reshape(outputs.shape)

    @cached_property
    def ending(self) -> Activation:
        """The softmax, if the last layer has one that the loss does not include: the loss is taken of its outputs."""
        return softmax if self._ends_in_softmax and not LOSSES[self.loss_name].takes_logits else identity

    @property
    def _ends_in_softmax(self) -> bool:
        last = self.nodes[-1]
        return last.layer.function is softmax and not last.closes and len(self.shapes[-1]) == 1


class Part(NamedTuple):
    """A network that is trained apart: its nodes in the whole network, with a head unless it is the last."""

    network: Network
    nodes: tuple[Node, ...]


def _parts(whole: Network) -> Iterator[Part]:
    shape = whole.input_size if isinstance(whole.input_size, tuple) else (whole.input_size,)
    ranges = _trained_ranges(whole.layers, shape)
    for index, (start, stop) in enumerate(ranges):
        layers = whole.layers[start:stop]
        own = tuple(replace(node, index=node.index + start) for node in nodes(layers))
        size = shape if len(shape) > 1 else shape[0]
        for layer in layers:
            shape = layer.output_shape(shape)
        if index == len(ranges) - 1:
            yield Part(Network(size, layers, whole.loss_name), own)
        else:
            yield _with_head(whole, size, layers, own, shape, stop - 1)


def _with_head(
    whole: Network, size: int | Shape, layers: tuple[AnyLayer, ...], own: tuple[Node, ...], shape: Shape, last: int
) -> Part:
    assert whole.local_losses is not None
    groups = whole.local_losses.groups
    if groups > 1 and len(shape) > 1:
        raise LayerFault("", f"groups of local losses need flat outputs, not {shape}")
    head = Dense(whole.classes_of_last * groups, groups=groups)
    head.output_shape(shape)
    network = Network(size, (*layers, head), whole.loss_name, heads=groups)
    return Part(network, (*own, Node(head, last, "head.", False, False, is_head=True)))


def _trained_ranges(layers: tuple[AnyLayer, ...], shape: Shape) -> list[tuple[int, int]]:
    """Return the layers of each part: one that has parameters, and all that follow up to the next; of the last, all."""
    starts: list[int] = []
    for index, layer in enumerate(layers):
        if parameters_of(layer, shape):
            starts.append(index)
        shape = layer.output_shape(shape)
    starts = [0, *starts[1:-1]]  # the last layer is the head of the last hidden one
    return list(zip(starts, [*starts[1:], len(layers)], strict=True))
