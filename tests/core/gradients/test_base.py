"""What is refused at the door of every method."""

from collections.abc import Callable

import numpy as np
import pytest

from dualtrain.core.gradients import SPSA, FiniteDifference, ForwardGradient, Method, PerNeuron, gradient
from dualtrain.core.nn import Dense, Network


@pytest.mark.parametrize("shape", [(3, 4), (1, 4), (0, 4), (2, 3), (4,)])
def test_a_batch_that_does_not_fit_is_refused(shape: tuple[int, ...]) -> None:
    network = Network(4, (Dense(2),))
    with pytest.raises(ValueError, match=r"2 labels need inputs \(2, 4\), not"):
        gradient(network, network.init(0), np.zeros(shape), np.array([0, 1]), PerNeuron())


@pytest.mark.parametrize(
    ("make", "field"),
    [
        (lambda: ForwardGradient(directions=0), "directions"),
        (lambda: ForwardGradient(distribution="uniform"), "distribution"),  # type: ignore[arg-type]
        (lambda: SPSA(directions=-3), "directions"),
        (lambda: SPSA(step_size=1e-16), "step_size"),
        (lambda: FiniteDifference(step_size=-1e-3), "step_size"),
        (lambda: FiniteDifference(step_size=np.nan), "step_size"),
        (lambda: FiniteDifference(scheme="backward"), "scheme"),  # type: ignore[arg-type]
    ],
)
def test_a_setting_that_makes_no_sense_is_refused_in_python_too(make: Callable[[], Method], field: str) -> None:
    with pytest.raises(ValueError, match=f"\n{field}\n"):
        make()
