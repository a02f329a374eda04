"""The dense layer."""

from math import prod
from typing import Annotated, Any

import numpy as np
from annotated_types import Ge, Le
from pydantic.dataclasses import dataclass

from dualtrain.core.dual import affine
from dualtrain.core.nn.activations import ACTIVATIONS, Activation, ActivationName
from dualtrain.core.nn.base import Layer, LayerFault, Shape
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.initializers import INITIALIZERS, InitializerName
from dualtrain.core.nn.shaping import flatten
from dualtrain.core.nn.tensor import Array, Tensor


@dataclass(frozen=True, config=CONFIG)
class Dense(Layer):
    """`activation(inputs @ weights + bias)` of flattened inputs; the bias `(units,)` starts at 0.

    Weights are `(fan_in, units)`. With `groups` above 1 inputs and units are cut into as many equal parts, each unit
    sees its own part only, and weights are `(groups, fan_in / groups, units / groups)`.
    """

    units: Annotated[int, Ge(1), Le(65536)]
    activation: ActivationName = "identity"
    initializer: InitializerName = "xavier"
    bias: bool = True
    groups: Annotated[int, Ge(1), Le(65536)] = 1

    def output_shape(self, shape: Shape) -> Shape:
        fan_in = prod(shape)
        for count, what in ((fan_in, "inputs"), (self.units, "units")):
            if count % self.groups:
                raise LayerFault("groups", f"{count} {what} cannot be cut into {self.groups} equal groups")
        return (self.units,)

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        fan_in = prod(shape)
        weights: Shape = (fan_in, self.units)
        if self.groups > 1:
            weights = (self.groups, fan_in // self.groups, self.units // self.groups)
        return {"weights": weights} | ({"bias": (self.units,)} if self.bias else {})

    def init(self, generator: np.random.Generator, shape: Shape) -> tuple[Array, ...]:
        *groups, fan_in, units = self.shapes(shape)["weights"]
        draws = [INITIALIZERS[self.initializer](generator, fan_in, units) for _ in range(self.groups)]
        weights = np.stack(draws) if groups else draws[0]
        return (weights, np.zeros(self.units)) if self.bias else (weights,)

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        if self.groups == 1:
            return affine(flatten(inputs), *arrays)
        product = _grouped(flatten(inputs), arrays[0])
        return product + arrays[1] if self.bias else product

    def parameter_slopes(self, inputs: Array, slopes: Array) -> dict[str, Array]:
        flat = inputs.reshape(len(inputs), -1)
        if self.groups == 1:
            weights = flat.T @ slopes
        else:
            weights = np.matmul(_by_group(flat, self.groups).swapaxes(-1, -2), _by_group(slopes, self.groups))
        return {"weights": weights} | ({"bias": slopes.sum(axis=0)} if self.bias else {})

    def operations(self, shape: Shape) -> int:
        return 2 * prod(shape) * self.units // self.groups

    @property
    def function(self) -> Activation:
        return ACTIVATIONS[self.activation]


def _grouped(x: Tensor, weights: Tensor) -> Tensor:
    """Return the product of `(N, D)` and `(G, D / G, U / G)`, as `(N, U)`."""
    product = np.matmul(_by_group(x, len(weights)), weights)
    return np.reshape(np.moveaxis(product, 0, 1), (len(x), weights.shape[0] * weights.shape[2]))


def _by_group(x: Tensor, groups: int) -> Any:
    """Return `(N, D)` as `(G, N, D / G)`."""
    return np.moveaxis(np.reshape(x, (len(x), groups, x.shape[1] // groups)), 1, 0)
