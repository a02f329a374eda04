"""A feed-forward network over one flat parameter vector.

Conventions: N samples, D inputs, C classes, P parameters. `parameters` is `(P,)`: layer after layer, weights
`(fan_in, units)` in C order, then the bias. `inputs` is `(N, D)`; labels are `(N,)` class numbers or `(N, C)` one-hot.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import prod

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dualtrain.core.nn.activations import Activation, identity, softmax
from dualtrain.core.nn.layers import Custom, Dense, Shape
from dualtrain.core.nn.losses import LOSSES, LossName, one_hot
from dualtrain.core.nn.tensor import Array, Labels, Tensor


@dataclass(frozen=True)
class Slice:
    """Where one array of a layer lies in the flat vector: `parameters[start:stop]`, in C order of `shape`."""

    layer: int
    name: str
    start: int
    stop: int
    shape: Shape

    def of(self, parameters: Tensor) -> Tensor:
        """A view of this part of the vector in its shape."""
        return parameters[self.start : self.stop].reshape(self.shape)


@dataclass(frozen=True, init=False)
class Network:
    """Layers in a row and a loss.

    The logits are what the last layer puts out before its softmax, if it has one. Cross-entropy is taken of the
    softmax of the logits in any case; the mean squared error of what the last layer puts out.
    """

    input_size: int
    layers: tuple[Dense | Custom, ...]
    loss_name: LossName

    def __init__(self, input_size: int, layers: Sequence[Dense | Custom], loss: LossName = "cross-entropy") -> None:
        if input_size < 1 or not layers:
            raise ValueError(f"a network needs inputs and layers; got input_size {input_size} and {len(layers)} layers")
        if loss not in LOSSES:
            raise ValueError(f"there is no loss {loss!r}; there are: {', '.join(LOSSES)}")
        for name, value in (("input_size", input_size), ("layers", tuple(layers)), ("loss_name", loss)):
            object.__setattr__(self, name, value)  # `loss` is a method, so the field needs another name

    @cached_property
    def widths(self) -> tuple[int, ...]:
        """How many numbers go into each layer, and at the end how many come out of the last."""
        widths = [self.input_size]
        for layer in self.layers:
            widths.append(layer.outputs(widths[-1]))
        return tuple(widths)

    @cached_property
    def slices(self) -> tuple[Slice, ...]:
        """The ranges of the flat vector, in order."""
        slices: list[Slice] = []
        for index, (layer, fan_in) in enumerate(zip(self.layers, self.widths, strict=False)):
            for name, shape in layer.shapes(fan_in).items():
                start = slices[-1].stop if slices else 0
                slices.append(Slice(index, name, start, start + prod(shape), shape))
        return tuple(slices)

    @cached_property
    def size(self) -> int:
        """P, the number of parameters."""
        return self.slices[-1].stop if self.slices else 0

    @cached_property
    def activations(self) -> tuple[Activation, ...]:
        """The activation of each layer; a softmax of the last one is left to `outputs` or to the loss."""
        own = tuple(layer.function for layer in self.layers)
        return (*own[:-1], identity) if self._ends_in_softmax else own

    @property
    def classes(self) -> int:
        """C, how many numbers the last layer puts out."""
        return self.widths[-1]

    def init(self, seed: int, dtype: DTypeLike = np.float32) -> Array:
        """The first parameters `(P,)`: drawn in float64, then rounded, so all dtypes start from the same numbers."""
        generator = np.random.default_rng(seed)
        layers = zip(self.layers, self.widths, strict=False)
        arrays = [array.ravel() for layer, fan_in in layers for array in layer.init(generator, fan_in)]
        return np.concatenate(arrays).astype(dtype)

    def spread(self, values: Sequence[float], dtype: DTypeLike) -> Array:
        """Return a vector `(P,)` with the value of each layer at its parameters."""
        return np.concatenate([np.full(part.stop - part.start, values[part.layer], dtype) for part in self.slices])

    def unpack(self, parameters: Tensor) -> list[tuple[Tensor, ...]]:
        """Views of the vector `(P,)`: for each layer its arrays. Raises ValueError for another shape."""
        if parameters.shape != (self.size,):
            raise ValueError(
                f"the network has {self.size} parameters; a vector ({self.size},) is needed, not {parameters.shape}"
            )
        layers: list[tuple[Tensor, ...]] = [()] * len(self.layers)
        for part in self.slices:
            layers[part.layer] += (part.of(parameters),)
        return layers

    def logits(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """What the last layer puts out `(N, C)`, before its softmax if it has one."""
        return self.forward(self.unpack(parameters), inputs, 0)

    def forward(self, layers: list[tuple[Tensor, ...]], inputs: Tensor, start: int) -> Tensor:
        """The logits, from the inputs of layer number `start` on."""
        for index in range(start, len(self.layers)):
            inputs = self.step(index, layers[index], inputs)
        return inputs

    def trace(self, layers: list[tuple[Tensor, ...]], inputs: Tensor) -> list[Tensor]:
        """The inputs of every layer, and at the end the logits."""
        trace = [inputs]
        for index, arrays in enumerate(layers):
            trace.append(self.step(index, arrays, trace[-1]))
        return trace

    def step(self, index: int, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        """What layer number `index` puts out for its inputs."""
        return self.activations[index](self.layers[index].connect(arrays, inputs))

    def outputs(self, logits: Tensor) -> Tensor:
        """What the last layer puts out, its softmax included."""
        return softmax(logits) if self._ends_in_softmax else logits

    def probabilities(self, parameters: Tensor, inputs: Tensor) -> Tensor:
        """The softmax of the logits, `(N, C)`."""
        return softmax(self.logits(parameters, inputs))

    def predict(self, parameters: Array, inputs: Array) -> NDArray[np.int64]:
        """The most probable class of each sample, `(N,)`."""
        classes: NDArray[np.int64] = np.argmax(self.logits(parameters, inputs), axis=-1)
        return classes

    def loss(self, parameters: Tensor, inputs: Tensor, labels: Labels) -> Tensor:
        """The mean of the samples' losses."""
        return np.mean(self.sample_losses(self.logits(parameters, inputs), labels))

    def sample_losses(self, logits: Tensor, labels: Labels) -> Tensor:
        """The loss of each sample, `(N,)`."""
        return LOSSES[self.loss_name].of(self.ending(logits), one_hot(labels, self.classes, logits.dtype))

    @cached_property
    def ending(self) -> Activation:
        """What the loss sees of the logits: their softmax, if the last layer has one that the loss does not include."""
        return softmax if self._ends_in_softmax and not LOSSES[self.loss_name].takes_logits else identity

    @property
    def _ends_in_softmax(self) -> bool:
        return self.layers[-1].function is softmax
