"""The two-dimensional convolution."""

from collections.abc import Callable
from math import prod
from typing import Annotated, Any, Literal

import numpy as np
from annotated_types import Ge, Le
from pydantic.dataclasses import dataclass

from dualtrain.core.dual.engine import push
from dualtrain.core.dual.structured import EntrySeed, SiteTangent, Structure, UnitTangent, to_dense
from dualtrain.core.nn.activations import ACTIVATIONS, Activation, ActivationName
from dualtrain.core.nn.base import Layer, Shape
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.initializers import INITIALIZERS, InitializerName
from dualtrain.core.nn.tensor import Array, Tensor
from dualtrain.core.nn.window_tangent import WindowTangent
from dualtrain.core.nn.windows import Padding, Windows


@dataclass(frozen=True, config=CONFIG, kw_only=True)
class Conv2D(Layer):
    """`activation(x ⋆ kernel + bias)`, the cross-correlation that every framework calls a convolution.

    Images are `(N, height, width, channels)`, the kernel `(kernel_size, kernel_size, channels, filters)`, the bias
    `(filters,)`, which starts at 0. "same" padding makes `ceil(side / stride)` outputs a side.
    """

    type: Literal["conv2d"] = "conv2d"
    filters: Annotated[int, Ge(1), Le(4096)]
    kernel_size: Annotated[int, Ge(1), Le(64)] = 3
    stride: Annotated[int, Ge(1), Le(64)] = 1
    padding: Padding = "valid"
    activation: ActivationName = "identity"
    initializer: InitializerName = "he"
    bias: bool = True

    def windows(self, shape: Shape) -> Windows:
        """Return the windows over images of a shape. Raises LayerFault where the kernel does not fit."""
        return Windows.of(self.kernel_size, self.stride, self.padding, shape, "kernel_size")

    def output_shape(self, shape: Shape) -> Shape:
        return (*self.windows(shape).sides, self.filters)

    def shapes(self, shape: Shape) -> dict[str, Shape]:
        kernel = (self.kernel_size, self.kernel_size, shape[2], self.filters)
        return {"kernel": kernel} | ({"bias": (self.filters,)} if self.bias else {})

    def init(self, generator: np.random.Generator, shape: Shape) -> tuple[Array, ...]:
        kernel = self.shapes(shape)["kernel"]
        weights = INITIALIZERS[self.initializer](generator, self.kernel_size**2 * shape[2], self.filters)
        return (weights.reshape(kernel), np.zeros(self.filters)) if self.bias else (weights.reshape(kernel),)

    def connect(self, arrays: tuple[Tensor, ...], inputs: Tensor) -> Tensor:
        return conv2d(inputs, *arrays, windows=self.windows(inputs.shape[1:]))

    def parameter_slopes(self, inputs: Array, slopes: Array) -> dict[str, Array]:
        flat = slopes.reshape(-1, self.filters)
        kernel = _matrix(self.windows(inputs.shape[1:]), inputs).T @ flat
        parts = {"kernel": kernel.reshape(self.shapes(inputs.shape[1:])["kernel"])}
        return parts | ({"bias": flat.sum(axis=0)} if self.bias else {})

    def operations(self, shape: Shape) -> int:
        return 2 * prod(self.output_shape(shape)) * self.kernel_size**2 * shape[2]

    @property
    def function(self) -> Activation:
        return ACTIVATIONS[self.activation]


def conv2d(images: Tensor, kernel: Tensor, bias: Tensor | None = None, *, windows: Windows) -> Tensor:
    """Return images `(N, height, width, channels)` convolved, `(N, rows, columns, filters)`; all may be dual."""
    out = push(_of(windows), _rule(windows), (images, kernel), structured=True)
    return out if bias is None else push(np.add, _biased, (out, bias), structured=True)


def _of(windows: Windows) -> Callable[[Tensor, Tensor], Tensor]:
    def convolve(images: Tensor, kernel: Tensor) -> Tensor:
        filters = kernel.shape[-1]
        product = _matrix(windows, images) @ np.reshape(kernel, (-1, filters))
        return np.reshape(product, (len(images), *windows.sides, filters))

    return convolve


def _matrix(windows: Windows, images: Tensor) -> Tensor:
    """Return one row for each window: `(N * rows * columns, size * size * channels)`."""
    patches = windows.patches(images)
    return np.reshape(patches, (-1, windows.size**2 * images.shape[-1]))


def _rule(windows: Windows) -> Callable[..., Tensor]:
    def rule(tangents: list[Tensor], out: Tensor, images: Tensor, kernel: Tensor) -> Tensor | Structure:
        of_images, of_kernel = tangents
        plain = type(images) is type(kernel) is np.ndarray
        if of_kernel is None and plain and isinstance(of_images, SiteTangent):
            return WindowTangent(of_images.values, of_images.units, kernel, windows)
        if of_images is None and isinstance(of_kernel, EntrySeed):
            return _of_entries(windows, images, of_kernel, out)
        terms = []
        if of_images is not None and plain and isinstance(of_images, UnitTangent):
            terms.append(_of_channels(windows, of_images, kernel, out))
        elif of_images is not None:
            terms.append(_of_images(windows, to_dense(of_images, images), kernel, out))
        if of_kernel is not None:
            terms.append(_of_kernels(windows, images, to_dense(of_kernel, kernel), out))
        return sum(terms[1:], start=terms[0])

    return rule


def _of_images(windows: Windows, tangents: Tensor, kernel: Tensor, out: Tensor) -> Tensor:
    front = tangents.shape[: tangents.ndim - 4]
    merged = np.reshape(tangents, (-1, *windows.shape))
    return np.reshape(conv2d(merged, kernel, windows=windows), (*front, *out.shape))


def _of_kernels(windows: Windows, images: Tensor, tangents: Tensor, out: Tensor) -> Tensor:
    front = tangents.shape[: tangents.ndim - 4]
    matrices = np.reshape(tangents, (*front, -1, tangents.shape[-1]))
    return np.reshape(np.matmul(_matrix(windows, images), matrices), (*front, *out.shape))


def _of_channels(windows: Windows, tangent: UnitTangent, kernel: Array, out: Array) -> Array:
    """Return the tangents behind the convolution of those that live in one channel each; no zeros are multiplied."""
    images = tangent.values.reshape(-1, *windows.shape[:2], 1)
    single = Windows(windows.size, windows.stride, (*windows.shape[:2], 1), windows.before, windows.after)
    patches = _matrix(single, images).reshape(len(tangent.units), -1, windows.size**2)
    kernels = kernel.reshape(windows.size**2, *kernel.shape[2:])[:, tangent.units].swapaxes(0, 1)
    product: Array = np.matmul(patches, kernels)
    return product.reshape(len(tangent.units), *out.shape)


def _of_entries(windows: Windows, images: Array, seeds: EntrySeed, out: Array) -> UnitTangent:
    """Return the tangents of single entries of the kernel as a matrix `(size * size * channels, filters)`."""
    values = _matrix(windows, images).T[seeds.rows]
    return UnitTangent(seeds.columns, values.reshape(len(values), *out.shape[:-1]))


def _biased(tangents: list[Tensor], out: Tensor, product: Tensor, bias: Tensor) -> Any:
    of_product, of_bias = tangents
    if of_bias is None:
        return of_product
    spread = np.reshape(of_bias, (*of_bias.shape[:-1], *(1,) * (out.ndim - 1), of_bias.shape[-1]))
    zeros = np.zeros(out.shape, out.dtype)
    return spread + (zeros if of_product is None else to_dense(of_product, product))
