"""Checks of a gradient method: what the service relies on, tried on a small network.

    check_method(MyMethod(directions=4))

Statistical bounds are wide: a correct method fails them less than once in ten thousand runs.
"""

import tracemalloc
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from dualtrain.core.dual import DualTensor
from dualtrain.core.dual.structured import Structure
from dualtrain.core.gradients.base import Draw, Estimate, Method, gradient
from dualtrain.core.gradients.per_neuron import PerNeuron
from dualtrain.core.nn import Dense, Network
from dualtrain.core.nn.activations import Activation
from dualtrain.core.nn.tensor import Array, Labels, Tensor

_Z_SCORE = 5.0
"""Of a thousand independent normal numbers, one in 1,700 runs has a larger one."""
_EXACT_ERROR = 1e-6
_COUNT_ERROR = 0.02
_MEMORY_FACTOR = 2.0
_SMALL_BYTES = 2**18
"""Memory that is not compared: arrays of a small network beside Python's objects."""
SMALL = Network(6, (Dense(8, "relu", "he"), Dense(5, "tanh"), Dense(3, "softmax")))


class MethodFault(AssertionError):
    """A gradient method breaks what the service relies on; the message lists how."""


def check_method(method: Method, network: Network = SMALL, *, draws: int = 400, seed: int = 0) -> None:
    """Check bits, bias, variance and cost of a method on a network of differentiable layers.

    `draws` estimates are averaged; more of them find a smaller bias. Raises MethodFault with all that is wrong.
    """
    trial = _Trial.of(method, network, seed)
    faults = [*_bit_faults(trial), *_statistical_faults(trial, draws), *_cost_faults(trial)]
    if faults:
        raise MethodFault(f"{method} on {network.size} parameters:\n- " + "\n- ".join(faults))


@dataclass(frozen=True)
class _Trial:
    """A method with a batch of random samples."""

    method: Method
    network: Network
    parameters: Array
    inputs: Array
    labels: Labels

    @classmethod
    def of(cls, method: Method, network: Network, seed: int, samples: int = 9) -> "_Trial":
        method.check(network)
        source = np.random.default_rng(seed)
        parameters = network.init(seed, np.float64) + 0.1 * source.standard_normal(network.size)
        inputs = source.random((samples, network.widths[0]))
        return cls(method, network, parameters, inputs, source.integers(0, network.classes, samples))

    def rows(self, groups: Sequence[Sequence[Any]], draw: Draw, dtype: DTypeLike = np.float64) -> list[Array]:
        """Return the rows of all blocks by index, measured group by group."""
        parameters, inputs = self.parameters.astype(dtype), self.inputs.astype(dtype)
        rows: dict[int, Array] = {}
        for group in groups:
            measured = self.method.measure(self.network, parameters, inputs, self.labels, group, draw)
            rows |= {block.index: row for block, row in zip(group, measured, strict=True)}
        return [rows[index] for index in sorted(rows)]

    def estimate(self, draw: Draw, dtype: DTypeLike = np.float64) -> Estimate:
        blocks = self.method.blocks(self.network, len(self.labels))
        return self.method.combine(self.network, blocks, self.rows([list(blocks)], draw, dtype), dtype, draw)


def _bit_faults(trial: _Trial) -> Iterator[str]:
    """Yield where rows depend on the blocks measured with them, or on the time."""
    draw = Draw(seed=1, step=2, replica=3)
    blocks = list(trial.method.blocks(trial.network, len(trial.labels)))
    for dtype in (np.float32, np.float64):
        whole = [row.tobytes() for row in trial.rows([blocks], draw, dtype)]
        groupings = {
            "measured a second time": [blocks],
            "measured alone, in reversed order": [[block] for block in reversed(blocks)],
            "measured in two groups": [blocks[::2], blocks[1::2]],
        }
        for name, groups in groupings.items():
            if [row.tobytes() for row in trial.rows(groups, draw, dtype)] != whole:
                yield f"{np.dtype(dtype)} rows have other bits when {name}; grouping must not change them"
        result = trial.estimate(draw, dtype).gradient
        if result.dtype != dtype or result.shape != (trial.network.size,):
            expected = f"{np.dtype(dtype)} of shape {trial.parameters.shape}"
            yield f"the gradient is {result.dtype} of shape {result.shape}, not {expected}"


def _statistical_faults(trial: _Trial, draws: int) -> Iterator[str]:
    """Yield where the mean of many estimates is not the gradient, or their scatter not the variance reported."""
    exact = gradient(trial.network, trial.parameters, trial.inputs, trial.labels, PerNeuron())
    first, second = (trial.estimate(Draw(seed, step=1)) for seed in range(2))
    if first.gradient.tobytes() == second.gradient.tobytes():
        draws = 2  # no random directions: two are as good as many
    estimates = [first, second, *(trial.estimate(Draw(seed, step=1)) for seed in range(2, draws))]
    gradients = np.array([estimate.gradient for estimate in estimates])
    errors = gradients.mean(axis=0) - exact
    deviations = gradients.std(axis=0, ddof=1) / np.sqrt(draws)
    bounds = _Z_SCORE * deviations + _EXACT_ERROR * np.abs(exact).max()
    if np.any(np.abs(errors) > bounds):
        entry = int(np.argmax(np.abs(errors) / bounds))
        mean = f"{gradients[:, entry].mean():.4g} ± {deviations[entry]:.2g}"
        yield f"biased: parameter {entry} is {mean} in the mean of {draws} estimates; it is {exact[entry]:.4g}"
    loss = trial.network.loss(trial.parameters, trial.inputs, trial.labels)
    if not np.isclose(estimates[0].loss, loss, rtol=1e-6):
        yield f"the loss is reported as {estimates[0].loss:.6g}; it is {loss:.6g}"
    variances = [estimate.variance for estimate in estimates if estimate.variance is not None]
    scatter = float(((gradients - exact) ** 2).sum(axis=1).mean())
    slack = _EXACT_ERROR**2 * float(exact @ exact)
    if variances and not 0.75 * scatter - slack <= np.mean(variances) <= 1.33 * scatter + slack:
        yield f"the variance is reported as {np.mean(variances):.4g}; the mean squared error is {scatter:.4g}"


def _cost_faults(trial: _Trial) -> Iterator[str]:
    """Yield where passes, evaluations, row lengths or memory are not those that the method states."""
    method, network = trial.method, trial.network
    counting = _Counting(network.input_size, network.layers, network.loss_name)
    counted = _Trial(method, counting, trial.parameters, trial.inputs, trial.labels)
    blocks = list(method.blocks(counting, len(trial.labels)))
    tracemalloc.start()
    rows = counted.rows([blocks], Draw(0, 0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    ranges = len({block.samples for block in blocks})
    cost = method.cost(network, len(trial.labels))
    counts = (
        ("passes", counting.passes / ranges, method.passes(network)),
        ("evaluations", counting.evaluations / ranges, method.evaluations(network)),
        ("numbers in all rows", sum(row.size for row in rows), cost.row_numbers),
    )
    for name, measured, stated in counts:
        if abs(measured - stated) > 2 + _COUNT_ERROR * stated:
            yield f"{stated:,} {name} are stated; {measured:,.0f} were counted"
    if peak > _MEMORY_FACTOR * cost.peak_bytes + 8 * cost.row_numbers + _SMALL_BYTES:
        yield f"{cost.peak_bytes:,.0f} bytes are stated as the peak of a block; {peak:,} were measured"


class _Counting(Network):
    """A network that counts tangents that reach the loss, and losses without tangents."""

    passes = 0
    evaluations = 0

    @property
    def ending(self) -> Activation:
        ending = super().ending

        def counted(logits: Tensor) -> Tensor:
            if isinstance(logits, DualTensor):
                object.__setattr__(self, "passes", self.passes + _directions(logits))
            return ending(logits)

        return counted

    def sample_losses(self, logits: Tensor, labels: Labels) -> Tensor:
        if not isinstance(logits, DualTensor):
            object.__setattr__(self, "evaluations", self.evaluations + 1)
        return super().sample_losses(logits, labels)


def _directions(x: DualTensor) -> int:
    tangent = x.stored_tangent
    shape = tangent.directions if isinstance(tangent, Structure) else tangent.shape[: tangent.ndim - x.ndim]
    return int(np.prod(shape))
