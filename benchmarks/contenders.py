"""The ways to one gradient that are compared: each a function of a case that makes a function without arguments."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from benchmarks import convolutional, loop
from dualtrain.core.gradients import Method, PerNeuron, PerParameter, gradient
from dualtrain.core.nn import Dense, Network
from dualtrain.core.nn.tensor import Array, Labels

JACOBIAN_BYTES = 4e9
"""A P x P identity larger than this is not tried."""
CHUNK = 64
"""One-hot directions that JAX pushes at once; 16 and 256 were slower."""


@dataclass(frozen=True)
class Case:
    """A network such as 784-100-10, relu inside and softmax with cross-entropy at the end, and a batch, in float32.

    Without `widths` it is the convolutional one.
    """

    widths: tuple[int, ...]
    samples: int

    @classmethod
    def parse(cls, name: str, samples: str) -> "Case":
        widths = () if name == convolutional.NAME else tuple(map(int, name.split("-")))
        return cls(widths, int(samples))

    @property
    def name(self) -> str:
        return "-".join(map(str, self.widths)) or convolutional.NAME

    @cached_property
    def network(self) -> Network:
        if not self.widths:
            return convolutional.NETWORK
        hidden = [Dense(units, "relu", "he") for units in self.widths[1:-1]]
        return Network(self.widths[0], (*hidden, Dense(self.widths[-1], "softmax", "xavier")))

    @cached_property
    def parameters(self) -> Array:
        return self.network.init(0)

    @cached_property
    def inputs(self) -> Array:
        return np.random.default_rng(0).random((self.samples, self.network.widths[0]), np.float32)

    @cached_property
    def labels(self) -> Labels:
        return np.random.default_rng(1).integers(0, self.network.classes, self.samples)


Contender = Callable[[Case], Callable[[], object] | None]
"""None means that the contender does not fit into memory."""


def ours(method: Method) -> Contender:
    return lambda case: lambda: gradient(case.network, case.parameters, case.inputs, case.labels, method)


def blog_layers(network: Network, parameters: Array) -> list[loop.Layer]:
    """The same network as the post keeps it: weights `(units, fan_in)`, float64."""
    arrays = [
        (np.array(weights.T, np.float64), np.array(bias, np.float64)) for weights, bias in network.unpack(parameters)
    ]
    activations = [*[loop.relu] * (len(arrays) - 1), loop.softmax]
    return [(*pair, activation) for pair, activation in zip(arrays, activations, strict=True)]


def blog_loop(case: Case) -> Callable[[], object] | None:
    if not case.widths:
        return None
    layers, target = blog_layers(case.network, case.parameters), np.eye(case.widths[-1])[case.labels[0]]
    inputs = case.inputs[0].astype(np.float64)
    return lambda: np.array(list(loop.passes(layers, inputs, target)))


def _jax_loss(case: Case) -> Callable[..., object]:
    import jax

    def logits(parameters: Array) -> object:
        values = case.inputs
        layers = case.network.unpack(parameters)
        for weights, bias in layers[:-1]:
            values = jax.nn.relu(values @ weights + bias)
        return values @ layers[-1][0] + layers[-1][1]

    function = logits if case.widths else convolutional.jax_logits(case.inputs)

    def loss(parameters: Array) -> object:
        return -jax.nn.log_softmax(function(parameters))[np.arange(case.samples), case.labels].mean()

    return loss


def jax_one_hot(case: Case) -> Callable[[], object] | None:
    import jax

    loss, size = _jax_loss(case), case.network.size

    def push(parameters: Array) -> object:
        def one(index: int) -> object:
            seed = jax.nn.one_hot(index, size, dtype=np.float32)
            return jax.jvp(loss, (parameters,), (seed,))[1]

        return jax.lax.map(one, jax.numpy.arange(size), batch_size=CHUNK)

    compiled = jax.jit(push)
    return lambda: compiled(case.parameters).block_until_ready()


def jax_jacfwd(case: Case) -> Callable[[], object] | None:
    import jax

    if case.network.size**2 * 4 > JACOBIAN_BYTES:
        return None
    push = jax.jit(jax.jacfwd(_jax_loss(case)))
    return lambda: push(case.parameters).block_until_ready()


def jax_reverse(case: Case) -> Callable[[], object] | None:
    import jax

    pull = jax.jit(jax.grad(_jax_loss(case)))
    return lambda: pull(case.parameters).block_until_ready()


def torch_jacfwd(case: Case) -> Callable[[], object] | None:
    import torch

    if case.network.size**2 * 4 > JACOBIAN_BYTES or not case.widths:
        return None
    inputs, labels, parameters = map(torch.tensor, (case.inputs, case.labels, case.parameters))

    def loss(vector: object) -> object:
        values, layers = inputs, case.network.unpack(vector)
        for weights, bias in layers[:-1]:
            values = torch.relu(values @ weights + bias)
        return torch.nn.functional.cross_entropy(values @ layers[-1][0] + layers[-1][1], labels)

    push = torch.func.jacfwd(loss)
    return lambda: push(parameters)


def torch_reverse(case: Case) -> Callable[[], object] | None:
    import torch

    layers: list[torch.nn.Module] = []
    for fan_in, units in zip(case.widths, case.widths[1:], strict=False):
        layers += [torch.nn.Linear(fan_in, units), torch.nn.ReLU()]
    model = torch.nn.Sequential(*layers[:-1]) if case.widths else convolutional.torch_model()
    criterion = torch.nn.CrossEntropyLoss()
    inputs, labels, parameters = torch.tensor(case.inputs), torch.tensor(case.labels), list(model.parameters())
    return lambda: torch.autograd.grad(criterion(model(inputs), labels), parameters)


def numpy_reverse(case: Case) -> Callable[[], object] | None:
    """Reverse mode written by hand, without a framework's overhead."""
    if not case.widths:
        return None
    layers = case.network.unpack(case.parameters)

    def pull() -> list[Array]:
        values = [case.inputs]
        for weights, bias in layers[:-1]:
            values.append(np.maximum(values[-1] @ weights + bias, 0))
        logits = values[-1] @ layers[-1][0] + layers[-1][1]
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        slopes = exponentials / exponentials.sum(axis=1, keepdims=True)
        slopes[np.arange(case.samples), case.labels] -= 1
        slopes /= np.float32(case.samples)
        parts: list[Array] = []
        for index in reversed(range(len(layers))):
            parts += [slopes.sum(axis=0), values[index].T @ slopes]
            if index:
                slopes = (slopes @ layers[index][0].T) * (values[index] > 0)
        return parts

    return pull


CONTENDERS: dict[str, Contender] = {
    "per-neuron": ours(PerNeuron()),
    "per-parameter": ours(PerParameter()),
    "blog's loop": blog_loop,
    "JAX one-hot jvps": jax_one_hot,
    "jax.jacfwd": jax_jacfwd,
    "torch.func.jacfwd": torch_jacfwd,
    "NumPy reverse mode": numpy_reverse,
    "JAX reverse mode": jax_reverse,
    "PyTorch reverse mode": torch_reverse,
}
