"""Layers: frozen dataclasses that say what a layer is; its parameters are always passed in from outside."""

from abc import ABC, abstractmethod
from math import prod
from typing import Annotated, Any, TypeAlias

import numpy as np
from annotated_types import Ge, Le, MaxLen, MinLen
from pydantic import Discriminator, Tag
from pydantic.dataclasses import dataclass

from dualtrain.core.dual import affine
from dualtrain.core.nn import custom
from dualtrain.core.nn.activations import ACTIVATIONS, Activation, ActivationName, identity
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.custom import CustomLayer
from dualtrain.core.nn.initializers import INITIALIZERS, InitializerName
from dualtrain.core.nn.tensor import Array, Tensor

Shape: TypeAlias = tuple[int, ...]


class AbstractLayer(ABC):
    """A function of its parameters and of inputs `(N, fan_in)`."""

    @abstractmethod
    def outputs(self, fan_in: int) -> int:
        """How many numbers the layer makes of `fan_in` numbers."""

    @abstractmethod
    def shapes(self, fan_in: int) -> dict[str, Shape]:
        """The layer's parameter arrays by name, in the order in which they lie in the flat vector."""

    @abstractmethod
    def init(self, generator: np.random.Generator, fan_in: int) -> tuple[Array, ...]:
        """The first values of these arrays, float64."""

    @abstractmethod
    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        """The pre-activations `(N, outputs)`, from these parameter arrays and inputs `(N, fan_in)`."""

    @property
    @abstractmethod
    def function(self) -> Activation:
        """The activation, a function of the pre-activations."""


@dataclass(frozen=True, config=CONFIG)
class Dense(AbstractLayer):
    """`activation(inputs @ weights + bias)` with weights `(fan_in, units)` and bias `(units,)`, which starts at 0."""

    units: Annotated[int, Ge(1), Le(65536)]
    activation: ActivationName = "identity"
    initializer: InitializerName = "xavier"
    bias: bool = True

    def outputs(self, fan_in: int) -> int:
        return self.units

    def shapes(self, fan_in: int) -> dict[str, Shape]:
        weights: dict[str, Shape] = {"weights": (fan_in, self.units)}
        return weights | {"bias": (self.units,)} if self.bias else weights

    def init(self, generator: np.random.Generator, fan_in: int) -> tuple[Array, ...]:
        weights = INITIALIZERS[self.initializer](generator, fan_in, self.units)
        return (weights, np.zeros(self.units)) if self.bias else (weights,)

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        return affine(inputs, *arrays)

    @property
    def function(self) -> Activation:
        return ACTIVATIONS[self.activation]


@dataclass(frozen=True, config=CONFIG)
class Custom(AbstractLayer):
    """A layer that the operator installed under the entry points `dualtrain.layers`; only its values are used."""

    custom: Annotated[str, MinLen(1), MaxLen(100)]

    def find(self) -> CustomLayer:
        """The callable. Raises ValueError where there is none."""
        return custom.find(self.custom)

    def outputs(self, fan_in: int) -> int:
        return int(self._attribute("units", fan_in, default=fan_in))

    def shapes(self, fan_in: int) -> dict[str, Shape]:
        size = int(self._attribute("size", fan_in, default=0))
        return {"parameters": (size,)} if size else {}

    def init(self, generator: np.random.Generator, fan_in: int) -> tuple[Array, ...]:
        return tuple(generator.normal(0.0, fan_in**-0.5, shape) for shape in self.shapes(fan_in).values())

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        parameters = arrays[0] if arrays else np.empty(0, inputs.dtype)
        return self.find()(parameters, inputs)

    @property
    def function(self) -> Activation:
        return identity

    def _attribute(self, name: str, fan_in: int, default: int) -> int:
        attribute = getattr(self.find(), name, None)
        return default if attribute is None else attribute(fan_in)


def size(layer: AbstractLayer, fan_in: int) -> int:
    """How many parameters the layer has."""
    return sum(prod(shape) for shape in layer.shapes(fan_in).values())


def _kind(layer: Any) -> str:
    is_custom = "custom" in layer if isinstance(layer, dict) else isinstance(layer, Custom)
    return "custom" if is_custom else "dense"


Layer: TypeAlias = Annotated[Annotated[Dense, Tag("dense")] | Annotated[Custom, Tag("custom")], Discriminator(_kind)]
