"""All layers, as a job spec has them."""

import dataclasses
from collections.abc import Iterator
from dataclasses import field
from math import prod
from typing import Annotated, Any, Literal, TypeAlias

import numpy as np
from annotated_types import MaxLen, MinLen
from pydantic import Discriminator, Tag
from pydantic.dataclasses import dataclass

from dualtrain.core.nn import custom
from dualtrain.core.nn.base import Layer, LayerFault, Shape
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.convolution import Conv2D
from dualtrain.core.nn.custom import CustomLayer
from dualtrain.core.nn.dense import Dense
from dualtrain.core.nn.normalization import LayerNorm
from dualtrain.core.nn.pooling import AvgPool2D, MaxPool2D
from dualtrain.core.nn.tensor import Array, Tensor

OptionName = Annotated[str, MinLen(1), MaxLen(64)]
OptionText = Annotated[str, MaxLen(512)]


@dataclass(frozen=True, config=CONFIG)
class Custom(Layer):
    """A layer that the operator installed under the entry points `dualtrain.layers`.

    `options` are passed on to the callable as keyword arguments. Only values of it are used, unless it says that it is
    `differentiable`.
    """

    custom: Annotated[str, MinLen(1), MaxLen(100)]
    options: Annotated[dict[OptionName, bool | int | float | OptionText], MaxLen(32)] = field(
        default_factory=dict, hash=False
    )

    def find(self) -> CustomLayer:
        """Return the callable. Raises ValueError where there is none."""
        return custom.find(self.custom)

    @property
    def differentiable(self) -> bool:
        return bool(getattr(self.find(), "differentiable", False))

    def output_shape(self, shape: Shape) -> Shape:
        units = self._attribute("units", shape, default=self._own(shape))
        return units if isinstance(units, tuple) else (units,)

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        size = int(self._attribute("size", shape, default=0))
        return {"parameters": (size,)} if size else {}

    def init(self, generator: np.random.Generator, shape: Shape) -> tuple[Array, ...]:
        spread = prod(shape) ** -0.5
        return tuple(generator.normal(0.0, spread, own) for own in self.shapes(shape).values())

    def operations(self, shape: Shape) -> int:
        return 4 * prod(shape) + 2 * sum(map(prod, self.shapes(shape).values()))  # nobody knows what it does

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        parameters = arrays[0] if arrays else np.empty(0, inputs.dtype)
        own = inputs if self.differentiable or inputs.ndim == 2 else inputs.reshape(len(inputs), -1)
        return self.find()(parameters, own, **self.options)

    @property
    def is_linear(self) -> bool:
        return False

    def _own(self, shape: Shape) -> Any:
        """Return the shape of the inputs that the callable gets: flat, a number, where only its values are used."""
        return shape if self.differentiable else prod(shape)

    def _attribute(self, name: str, shape: Shape, default: Any) -> Any:
        attribute = getattr(self.find(), name, None)
        if attribute is None:
            return default
        try:
            return attribute(self._own(shape), **self.options)
        except TypeError as error:
            raise LayerFault("options", f"layer {self.custom!r} does not take these options: {error}") from error


@dataclass(frozen=True, config=CONFIG, kw_only=True)
class Residual(Layer):
    """`x + f(x)`, where f is the layers inside; their shapes must agree."""

    type: Literal["residual"] = "residual"
    layers: Annotated[tuple["PlainLayer", ...], MinLen(1), MaxLen(32)]

    def output_shape(self, shape: Shape) -> Shape:
        after = shape
        for index, layer in enumerate(self.layers):
            try:
                after = layer.output_shape(after)
            except LayerFault as fault:
                raise LayerFault(f"layers/{index}/{fault.field}".rstrip("/"), str(fault)) from fault
        if after != shape:
            raise LayerFault("layers", f"the layers inside make {after} of {shape}; x + f(x) needs equal shapes")
        return shape

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        raise NotImplementedError("a network computes the layers inside one by one")

    @property
    def differentiable(self) -> bool:
        return all(layer.differentiable for layer in self.layers)


@dataclasses.dataclass(frozen=True)
class Node:
    """A layer as it is computed: of a residual block each layer inside is one."""

    layer: "PlainLayer"
    index: int
    """The number of the layer in the spec that it belongs to."""
    prefix: str
    """What the names of its arrays begin with: its number in its residual block."""
    opens: bool
    """Whether its inputs are those of a residual block."""
    closes: bool
    """Whether the inputs of the residual block are added to what its activation makes."""
    is_head: bool = False
    """Whether it is the head of a local loss: it has parameters, and passes on its inputs as they are."""


def nodes(layers: tuple["AnyLayer", ...]) -> Iterator[Node]:
    """Yield the layers in the order in which they are computed."""
    for index, layer in enumerate(layers):
        if not isinstance(layer, Residual):
            yield Node(layer, index, "", False, False)
            continue
        last = len(layer.layers) - 1
        for place, inner in enumerate(layer.layers):
            yield Node(inner, index, f"{place}.", place == 0, place == last)


def parameters_of(layer: "AnyLayer", shape: Shape) -> int:
    """Return how many parameters a layer has, with those inside a residual block."""
    count = 0
    for node in nodes((layer,)):
        count += sum(map(prod, node.layer.shapes(shape).values()))
        shape = node.layer.output_shape(shape)
    return count


def check_shapes(layers: tuple["AnyLayer", ...], shape: Shape) -> None:
    """Raise LayerFault for the first layer that does not fit what the one before it makes; residual blocks too."""
    for layer in layers:
        shape = layer.output_shape(shape)


def _kind(layer: Any) -> str:
    if isinstance(layer, dict):
        return "custom" if "custom" in layer else str(layer.get("type", "dense"))
    return "custom" if isinstance(layer, Custom) else getattr(layer, "type", "dense")


_Plain: TypeAlias = (
    Annotated[Dense, Tag("dense")]
    | Annotated[Conv2D, Tag("conv2d")]
    | Annotated[MaxPool2D, Tag("max-pool2d")]
    | Annotated[AvgPool2D, Tag("avg-pool2d")]
    | Annotated[LayerNorm, Tag("layer-norm")]
    | Annotated[Custom, Tag("custom")]
)
PlainLayer: TypeAlias = Annotated[_Plain, Discriminator(_kind)]
AnyLayer: TypeAlias = Annotated[_Plain | Annotated[Residual, Tag("residual")], Discriminator(_kind)]
