"""The convolutional network of the comparison, for dualtrain, PyTorch and JAX: 28x28, 5,386 parameters."""

from collections.abc import Callable
from typing import Any

from dualtrain.core.nn import Conv2D, Dense, MaxPool2D, Network

NAME = "convolutional"
"""conv 8@5x5 with stride 2, conv 16@3x3, max-pool 2, dense 10."""
NETWORK = Network(
    (28, 28, 1),
    (
        Conv2D(filters=8, kernel_size=5, stride=2, activation="relu"),
        Conv2D(filters=16, kernel_size=3, activation="relu"),
        MaxPool2D(size=2),
        Dense(10, "softmax", "xavier"),
    ),
)


def torch_model() -> Any:
    import torch
    from torch import nn

    layers = (nn.Conv2d(1, 8, 5, 2), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    return torch.nn.Sequential(nn.Unflatten(1, (1, 28, 28)), *layers, nn.Linear(400, 10))


def jax_logits(inputs: Any) -> Callable[[Any], Any]:
    """Return a function of the flat parameters."""
    import jax

    def convolved(images: Any, kernel: Any, stride: int) -> Any:
        numbers = ("NHWC", "HWIO", "NHWC")
        return jax.lax.conv_general_dilated(images, kernel, (stride, stride), "VALID", dimension_numbers=numbers)

    def logits(parameters: Any) -> Any:
        first, second, _, last = NETWORK.unpack(parameters)
        values = jax.nn.relu(convolved(inputs.reshape(-1, 28, 28, 1), first[0], 2) + first[1])
        values = jax.nn.relu(convolved(values, second[0], 1) + second[1])
        values = values.reshape(-1, 5, 2, 5, 2, 16).max(axis=(2, 4))
        return values.reshape(-1, 400) @ last[0] + last[1]

    return logits
