"""The interface of a layer; the parameters are always passed in from outside."""

from abc import ABC, abstractmethod
from math import prod
from typing import TypeAlias

import numpy as np

from dualtrain.core.nn.activations import Activation, identity
from dualtrain.core.nn.tensor import Array, Tensor

Shape: TypeAlias = tuple[int, ...]
"""The shape of one sample between two layers: `(D,)` or `(height, width, channels)`."""


class LayerFault(ValueError):
    """A layer that does not fit its inputs; `field` is the field of the layer to change, "" for the whole layer."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class Layer(ABC):
    """A function of its parameters and of inputs `(N, *shape)`, where `shape` is that of one sample."""

    @abstractmethod
    def output_shape(self, shape: Shape) -> Shape:
        """Return the shape that one sample of this shape gets. Raises LayerFault where the layer does not fit."""

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        """Return the layer's parameter arrays by name, in the order in which they lie in the flat vector."""
        return {}

    def init(self, generator: np.random.Generator, shape: Shape) -> tuple[Array, ...]:
        """Return the first values of these arrays, float64."""
        return ()

    @abstractmethod
    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        """Return the pre-activations `(N, *output_shape)`, from these parameter arrays and inputs `(N, *shape)`."""

    def parameter_slopes(self, inputs: Array, slopes: Array) -> dict[str, Array]:
        """Return the slopes of the parameter arrays, by name, from slopes of the pre-activations `(N, *output_shape)`.

        They are summed over samples and positions: pre-activations are linear in the parameters, `J(x·e) = x·J(e)`.
        Only of a layer that `is_linear`.
        """
        return {}

    def operations(self, shape: Shape) -> int:
        """Return about how many floating-point operations a sample of this shape takes."""
        return 4 * prod(shape)

    @property
    def function(self) -> Activation:
        """The activation, a function of the pre-activations."""
        return identity

    @property
    def differentiable(self) -> bool:
        """Whether tangents can be pushed through the layer."""
        return True

    @property
    def is_linear(self) -> bool:
        """Whether the pre-activations are linear in the parameters, up to a constant."""
        return True
