"""core.dual beside derivatives written out by hand, and beside other libraries' Jacobians, within one run.

`python -m benchmarks.dual [--threads N]`
"""

import sys
from collections.abc import Callable
from statistics import geometric_mean
from typing import Any

import numpy as np

from benchmarks import measure, report
from benchmarks.handwritten import GROUPS, Case
from benchmarks.jacobians import FUNCTIONS, LIBRARIES, network_gradient
from dualtrain.core.dual import DualTensor, jvp

SIZE = 10**6
DIRECTIONS = (1, 8)
ROUNDS = 7
LIMIT_SECONDS = 1.0


def main() -> None:
    parser = report.arguments("dual", __doc__)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", nargs=2, metavar=("LIBRARY", "FUNCTION"))
    options = parser.parse_args()
    measure.limit_threads(options.threads)
    if options.memory:
        sys.stdout.write(f"{memory(*options.memory)}\n")
        return
    head = f"{measure.machine()}, NumPy {np.__version__}; {options.threads} thread; float64. Medians of ratios.\n\n"
    found = report.Report("mathematics.md", options.write)
    for section, table in (("by-hand", by_hand), ("small", small), ("jacobians", jacobians), ("network", network)):
        found.show(section, head + table())


def by_hand() -> str:
    """jvp over the same by hand, a row for each group: the geometric mean over its functions, and the largest."""
    rows = []
    for group, cases in GROUPS.items():
        cells = []
        for count in DIRECTIONS:
            ratios = {name: compared(case, count) for name, case in cases.items()}
            worst = max(ratios, key=lambda name: ratios[name])
            cells += [f"{geometric_mean(ratios.values()):.2f}", f"{ratios[worst]:.2f} ({worst})"]
        rows.append([group, *cells])
    return report.table(["functions", "1 direction", "largest", "8 directions", "largest"], rows)


def compared(case: Case, count: int) -> float:
    """The time of `jvp` over that of the value and the tangent written out."""
    primals = case.arguments(SIZE)
    rng = np.random.default_rng(0)
    axes = () if count == 1 else (count,)
    tangents = tuple(rng.normal(size=axes + x.shape) for x in primals)
    expected, found = case.by_hand(*primals, *tangents), jvp(case.function, primals, tangents)
    np.testing.assert_allclose(found[1], expected[1], rtol=1e-6, atol=1e-9)
    runs = {
        "jvp": lambda: jvp(case.function, primals, tangents),
        "by hand": lambda: case.by_hand(*primals, *tangents),
    }
    return measure.ratio(measure.rounds(runs, ROUNDS, LIMIT_SECONDS), "jvp", "by hand")


def small() -> str:
    """One operation on three elements, over NumPy's own on the values alone."""
    x = np.array([0.3, 0.5, 0.7])
    d, e = DualTensor(x, np.ones(3)), DualTensor(x, x)
    pairs: dict[str, tuple[Callable[[], Any], Callable[[], Any]]] = {
        "np.sin(x)": (lambda: np.sin(d), lambda: np.sin(x)),
        "np.sqrt(x)": (lambda: np.sqrt(d), lambda: np.sqrt(x)),
        "x * y": (lambda: d * e, lambda: x * x),
        "x + 1": (lambda: d + 1, lambda: x + 1),
        "np.sum(x)": (lambda: np.sum(d), lambda: np.sum(x)),
        "x @ y": (lambda: d @ e, lambda: x @ x),
        "np.where(m, x, 0)": (lambda: np.where(x > 0.4, d, 0), lambda: np.where(x > 0.4, x, 0)),
    }
    rows = []
    for name, (dual, plain) in pairs.items():
        times = measure.rounds({"dual": dual, "plain": plain}, 15, 0.5)
        cells = (report.seconds(min(times["dual"])), report.seconds(min(times["plain"])))
        rows.append([f"`{name}`", *cells, f"{measure.ratio(times, 'dual', 'plain'):.1f}"])
    return report.table(["3 elements", "dual", "plain", "ratio"], rows)


def jacobians() -> str:
    """Times and peak memory of whole Jacobians in each library."""
    rows = []
    for name, function in FUNCTIONS.items():
        runs = {library: prepare(function) for library, prepare in LIBRARIES.items()}
        expected = np.asarray(runs["core.dual"]())
        for library, run in runs.items():
            np.testing.assert_allclose(np.asarray(run()), expected, rtol=1e-4, atol=1e-5, err_msg=library)
        times = measure.rounds(runs, ROUNDS, LIMIT_SECONDS)
        for library in runs:
            peak = measure.peak_bytes("benchmarks.dual", "--memory", library, name)
            cells = (report.seconds(min(times[library])), f"{measure.ratio(times, library, 'dualtrain.core.dual'):.2f}")
            rows.append([f"{name}: {library}", *cells, "–" if peak is None else f"{peak / 1e6:.0f} MB"])
    return report.table(["Jacobian", "time", "over core.dual", "peak memory"], rows)


def network() -> str:
    """The gradient of a network's loss by all 79,510 directions."""
    seconds = measure.once(network_gradient()[1])
    peak = measure.peak_bytes("benchmarks.dual", "--memory", "core.dual", "network")
    size = network_gradient()[0].size
    rows = [
        ["`jacobian(loss)`, structured seeds", report.seconds(seconds), f"{(peak or 0) / 1e6:.0f} MB"],
        ["the identity that jacfwd starts with, float32", "–", f"{size * size * 4 / 1e9:.1f} GB"],
    ]
    return report.table([f"{size:,} parameters, 64 samples", "time", "peak memory"], rows)


def memory(library: str, name: str) -> int:
    """By how much a process grows while it computes the Jacobian once, after everything was made ready."""
    if name == "network":
        return measure.growth(lambda: None, network_gradient()[1])
    run = LIBRARIES[library](FUNCTIONS[name])
    if library.startswith(("jax", "torch")):
        run()  # compiles, or fills the caches; its result is dropped
    return measure.growth(lambda: None, run)


if __name__ == "__main__":
    main()
