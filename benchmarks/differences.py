"""Errors of finite differences over h, beside a dual number's: `python -m benchmarks.differences`."""

import math
from typing import Any

import numpy as np

from benchmarks import report
from dualtrain.core.dual import derivative

AT = 0.5
STEPS = np.logspace(-16, 0, 161)


def f(x: float) -> float:
    return 3 * np.exp(np.sin(x)) + np.sin(x) ** 2  # type: ignore[no-any-return]


def errors() -> dict[str, np.ndarray]:
    """Relative errors of the derivative at 0.5 for each h."""
    exact = 3 * math.exp(math.sin(AT)) * math.cos(AT) + math.sin(2 * AT)
    found = {
        "forward difference": np.array([(f(AT + h) - f(AT)) / h for h in STEPS]),
        "central difference": np.array([(f(AT + h) - f(AT - h)) / (2 * h) for h in STEPS]),
        "dual number (no h)": np.full(len(STEPS), derivative(f)(AT)),
    }
    smallest = np.finfo(float).eps / 4  # so that an error of 0 has a place on the logarithmic axis
    return {name: np.maximum(np.abs(values / exact - 1), smallest) for name, values in found.items()}


def main() -> None:
    found = report.Report("mathematics.md", report.arguments("differences", __doc__).parse_args().write)
    rows = [
        (name, f"{values.min():.1e}", f"{STEPS[values.argmin()]:.0e}" if np.ptp(values) else "–")
        for name, values in errors().items()
    ]
    found.show("differences", report.table(("derivative by", "least relative error", "at h"), rows))
    found.draw("differences.png", _plot)


def _plot() -> Any:
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for name, values in errors().items():
        axes.loglog(STEPS, values, label=name)
    axes.annotate("round-off", (1e-13, 3e-3))
    axes.annotate("truncation", (1e-3, 3e-2))
    axes.set(xlabel="h", ylabel="relative error of the derivative")
    axes.legend()
    return figure


if __name__ == "__main__":
    main()
