"""`check_method` passes correct methods, and finds what is planted in wrong ones."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import DTypeLike
from pydantic.dataclasses import dataclass

from dualtrain.core.gradients import (
    SPSA,
    Block,
    Cost,
    Draw,
    Estimate,
    FiniteDifference,
    ForwardGradient,
    Method,
    MethodFault,
    PerNeuron,
    PerParameter,
    check_method,
)
from dualtrain.core.nn import Dense, Network
from dualtrain.core.nn.config import CONFIG
from dualtrain.core.nn.tensor import Array, Labels

TINY = Network(4, (Dense(5, "relu", "he"), Dense(3, "softmax")))


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Biased(ForwardGradient):
    """Estimates are 5 % too large."""

    def combine(
        self, network: Network, blocks: Sequence[Block], rows: Sequence[Array], dtype: DTypeLike, draw: Draw
    ) -> Estimate:
        estimate = super().combine(network, blocks, rows, dtype, draw)
        return replace(estimate, gradient=estimate.gradient * np.dtype(dtype).type(1.05))


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Grouped(PerNeuron):
    """The last bit of a row depends on how many blocks are measured together."""

    def measure(
        self, network: Network, parameters: Array, inputs: Array, labels: Labels, blocks: Iterable[Block], draw: Draw
    ) -> list[Array]:
        rows = super().measure(network, parameters, inputs, labels, blocks, draw)
        return [np.nextafter(row, row.dtype.type(np.inf)) for row in rows] if len(rows) == 1 else rows


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class FewPasses(ForwardGradient):
    """States one pass, whatever it makes."""

    def passes(self, network: Network) -> int:
        return 1


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class ShortRows(ForwardGradient):
    """States that nothing is sent."""

    def cost(self, network: Network, batch_size: int) -> Cost:
        return super().cost(network, batch_size)._replace(row_numbers=0)


@dataclass(frozen=True, kw_only=True, config=CONFIG)
class Confident(ForwardGradient):
    """States half of its variance."""

    def combine(self, *arguments: Any) -> Estimate:
        estimate = super().combine(*arguments)
        return replace(estimate, variance=(estimate.variance or 0) / 2)


@pytest.mark.parametrize(
    "method",
    [
        PerParameter(),
        PerNeuron(),
        ForwardGradient(directions=4),
        ForwardGradient(directions=4, perturb="activations", exact_last_layer=False),
        ForwardGradient(directions=4, perturb="activations", guess="next-weights"),
        ForwardGradient(directions=3, perturb="activations", guess="next-weights", distribution="orthogonal"),
        ForwardGradient(directions=6, distribution="low-rank"),
        ForwardGradient(directions=6, pieces=3, exact_last_layer=False),
        ForwardGradient(directions=6, pieces=4, distribution="rademacher"),
        ForwardGradient(directions=20, average="projection"),
        ForwardGradient(directions=9, average="projection", distribution="rademacher"),
        FiniteDifference(),
        SPSA(directions=4),
    ],
    ids=lambda method: " ".join(str(value) for value in vars(method).values()),
)
def test_the_methods_of_the_project_pass(method: Method) -> None:
    check_method(method, TINY, draws=200)


@pytest.mark.parametrize(
    ("method", "fault"),
    [
        (Biased(directions=20, distribution="orthogonal"), "biased: "),
        (Grouped(), "other bits when measured alone"),
        (FewPasses(directions=16), "1 passes are stated; 19 were counted"),
        (ShortRows(directions=16), "0 numbers in all rows are stated; "),
        (Confident(directions=8), "the variance is reported as"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_planted_fault_is_named(method: Method, fault: str) -> None:
    with pytest.raises(MethodFault, match=fault):
        check_method(method, TINY, draws=300)
