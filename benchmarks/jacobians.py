"""The same functions and their Jacobians in four libraries, and the loss of a network."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from dualtrain.core.dual import jacobian

Array = Any
Run = Callable[[], Any]


@dataclass(frozen=True)
class Function:
    """`call(module, x)`, written once for every library's NumPy; x is a vector."""

    call: Callable[[Any, Array], Array]
    x: Array


def curve(xp: Any, x: Array) -> Array:
    """10,000 values of ten Gaussian peaks, of 30 parameters: a curve to fit."""
    at = xp.linspace(0.0, 10.0, 10_000)[:, None]
    return xp.sum(x[:10] * xp.exp(-(((at - x[10:20]) / x[20:]) ** 2)), -1)


def chain(xp: Any, x: Array) -> Array:
    """A stencil: each output depends on three neighbours."""
    return xp.sin(x[1:-1]) * x[2:] - xp.exp(-x[:-2])


def rosenbrock(xp: Any, x: Array) -> Array:
    """One number of 2,000."""
    return xp.sum(100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2)


def drawn(size: int) -> Array:
    return np.random.default_rng(0).uniform(0.5, 1.5, size)


FUNCTIONS = {
    "curve 30 → 10,000": Function(curve, drawn(30)),
    "chain 2,000 → 1,998": Function(chain, drawn(2000)),
    "Rosenbrock 2,000 → 1": Function(rosenbrock, drawn(2000)),
}


def by_dual(function: Function) -> Run:
    differentiated = jacobian(lambda x: function.call(np, x))
    return lambda: differentiated(function.x)


def by_jax(function: Function) -> Run:
    import jax

    jax.config.update("jax_enable_x64", True)
    differentiated = jax.jit(jax.jacfwd(lambda x: function.call(jax.numpy, x)))
    return lambda: differentiated(function.x).block_until_ready()


def by_torch(function: Function) -> Run:
    import torch

    class Module:
        """PyTorch under NumPy's names."""

        sum, exp, sin = torch.sum, torch.exp, torch.sin

        @staticmethod
        def linspace(start: float, stop: float, count: int) -> Array:
            return torch.linspace(start, stop, count, dtype=torch.float64)

    x = torch.tensor(function.x)
    differentiated = torch.func.jacfwd(lambda x: function.call(Module, x))
    return lambda: differentiated(x)


def by_autograd(function: Function) -> Run:
    """Autograd has no forward Jacobian: one jvp for every input."""
    import autograd.numpy
    from autograd import make_jvp

    push = make_jvp(lambda x: function.call(autograd.numpy, x))(function.x)
    return lambda: np.stack([push(direction)[1] for direction in np.eye(len(function.x))], axis=-1)


LIBRARIES = {
    "core.dual": by_dual,
    "jax.jacfwd": by_jax,
    "torch.func.jacfwd": by_torch,
    "autograd": by_autograd,
}


def network_gradient() -> tuple[Array, Run]:
    """Parameters of a 784-100-10 network, and a run of the gradient of its loss for 64 samples in float32."""
    rng = np.random.default_rng(0)
    images = rng.random((64, 784), dtype=np.float32)
    targets = np.eye(10, dtype=np.float32)[rng.integers(0, 10, 64)]
    parameters = rng.normal(size=79_510).astype(np.float32) * np.float32(0.05)

    def loss(p: Array) -> Array:
        hidden = images @ p[:78_400].reshape(784, 100) + p[78_400:78_500]
        logits = np.where(hidden > 0, hidden, 0) @ p[78_500:79_500].reshape(100, 10) + p[79_500:]
        shifted = logits - np.max(logits, axis=-1, keepdims=True)
        return np.mean(np.log(np.sum(np.exp(shifted), axis=-1)) - np.sum(shifted * targets, axis=-1))

    differentiated = jacobian(loss)
    return parameters, lambda: differentiated(parameters)
