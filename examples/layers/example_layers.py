"""Three layers in plain NumPy, which dualtrain differentiates as they are: `pip install ./examples/layers`.

Each takes its parameters as one vector and inputs `(N, *shape)`; `size` and `units` follow from the shape and options.
"""

from math import prod, sqrt
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

Shape = tuple[int, ...]


def convolution(parameters: Any, images: Any, filters: int = 4, kernel_size: int = 3) -> Any:
    """Return the convolution of images `(N, height, width, channels)`, as one product of windows by the kernel."""
    kernel = parameters.reshape(-1, filters)
    windows = sliding_window_view(images, (kernel_size, kernel_size), axis=(1, 2))  # (N, rows, columns, channels, k, k)
    samples, rows, columns = windows.shape[:3]
    return np.tanh(windows.reshape(samples, rows, columns, -1) @ kernel)


def row_attention(parameters: Any, images: Any, width: int = 8, classes: int = 10) -> Any:
    """Return logits `(N, classes)` of one attention block whose tokens are the rows of images: a whole model."""
    samples, rows = images.shape[:2]
    tokens = images.reshape(samples, rows, -1)
    embedding, position, query, key, value, head, bias = _split(
        parameters, _attention_shapes(images.shape[1:], width, classes)
    )
    embedded = tokens @ embedding + position
    scores = (embedded @ query) @ (embedded @ key).transpose(0, 2, 1) / sqrt(width)
    weights = np.exp(scores - np.max(scores, axis=-1, keepdims=True))
    weights = weights / np.sum(weights, axis=-1, keepdims=True)
    mixed = np.maximum(embedded + weights @ (embedded @ value), 0)
    return mixed.reshape(samples, rows * width) @ head + bias


def ode(parameters: Any, states: Any, time: float = 1.0, tolerance: float = 1e-3) -> Any:
    """Return states `(N, D)` after `time` under x' = tanh(x W + b), by Runge-Kutta steps that are halved as needed."""
    size = states.shape[1]
    weights, bias = parameters[: size * size].reshape(size, size), parameters[size * size :]

    def step(x: Any, length: float) -> Any:
        k1 = np.tanh(x @ weights + bias)
        k2 = np.tanh((x + length / 2 * k1) @ weights + bias)
        k3 = np.tanh((x + length / 2 * k2) @ weights + bias)
        k4 = np.tanh((x + length * k3) @ weights + bias)
        return x + length / 6 * (k1 + 2 * k2 + 2 * k3 + k4)

    passed, length = 0.0, time
    while passed < time:
        length = min(length, time - passed)
        whole, halves = step(states, length), step(step(states, length / 2), length / 2)
        if length > time / 64 and np.max(np.abs(whole - halves)) > tolerance:  # of the values: which path is taken
            length /= 2
            continue
        states, passed = halves, passed + length
    return states


def _attention_shapes(shape: Shape, width: int, classes: int) -> tuple[Shape, ...]:
    rows, pixels = shape[0], prod(shape[1:])
    square = (width, width)
    return ((pixels, width), (rows, width), square, square, square, (rows * width, classes), (classes,))


def _split(parameters: Any, shapes: tuple[Shape, ...]) -> list[Any]:
    ends = np.cumsum([prod(shape) for shape in shapes])
    return [parameters[end - prod(shape) : end].reshape(shape) for end, shape in zip(ends, shapes, strict=True)]


def _convolved(shape: Shape, filters: int = 4, kernel_size: int = 3) -> Shape:
    return (shape[0] - kernel_size + 1, shape[1] - kernel_size + 1, filters)


def _attention_size(shape: Shape, width: int = 8, classes: int = 10) -> int:
    return sum(map(prod, _attention_shapes(shape, width, classes)))


for layer in (convolution, row_attention, ode):
    layer.differentiable = True  # type: ignore[attr-defined]
convolution.units = _convolved  # type: ignore[attr-defined]
convolution.size = lambda shape, filters=4, kernel_size=3: kernel_size**2 * shape[2] * filters  # type: ignore[attr-defined]
row_attention.units = lambda shape, width=8, classes=10: classes  # type: ignore[attr-defined]
row_attention.size = _attention_size  # type: ignore[attr-defined]
ode.size = lambda shape, **options: shape[0] * (shape[0] + 1)  # type: ignore[attr-defined]
