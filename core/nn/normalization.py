"""Layer normalization (Ba, Kiros and Hinton 2016)."""

from typing import Literal

import numpy as np
from pydantic.dataclasses import dataclass

from dualtrain.core.dual.engine import push
from dualtrain.core.nn.base import Layer, LayerFault, Shape
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Tensor

EPSILON = 1e-5
"""Added to the variance."""


@dataclass(frozen=True, config=CONFIG, kw_only=True)
class LayerNorm(Layer):
    """The last axis of each sample with mean 0 and variance 1; `affine`: times a scale, 1 at first, plus an offset."""

    type: Literal["layer-norm"] = "layer-norm"
    affine: bool = False

    def output_shape(self, shape: Shape) -> Shape:
        if shape[-1] == 1:
            raise LayerFault("", f"the last axis of {shape} has one number, and normalizing one makes 0")
        return shape

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        return {"scale": shape[-1:], "offset": shape[-1:]} if self.affine else {}

    def init(self, generator: np.random.Generator, shape: Shape) -> tuple[Array, ...]:
        return (np.ones(shape[-1]), np.zeros(shape[-1])) if self.affine else ()

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        normalized = normalize(inputs)
        return normalized * arrays[0] + arrays[1] if self.affine else normalized

    def parameter_slopes(self, inputs: Array, slopes: Array) -> dict[str, Array]:
        if not self.affine:
            return {}
        flat = slopes.reshape(-1, slopes.shape[-1])
        scale = (normalize(inputs).reshape(flat.shape) * flat).sum(axis=0)
        return {"scale": scale, "offset": flat.sum(axis=0)}


def normalize(x: Tensor) -> Tensor:
    """Return x with mean 0 and variance 1 along its last axis; x may be dual."""
    return push(_normalized, _rule, (x,))


def _normalized(x: Tensor) -> Tensor:
    centered = x - np.mean(x, axis=-1, keepdims=True)
    return centered * _inverse_deviation(centered)


def _inverse_deviation(centered: Tensor) -> Tensor:
    return 1 / np.sqrt(np.mean(centered * centered, axis=-1, keepdims=True) + EPSILON)


def _rule(tangents: list[Tensor], out: Tensor, x: Tensor) -> Tensor:
    tangent = tangents[0]
    inverse = _inverse_deviation(x - np.mean(x, axis=-1, keepdims=True))
    along = np.mean(tangent * out, axis=-1, keepdims=True)
    return inverse * (tangent - np.mean(tangent, axis=-1, keepdims=True) - out * along)
