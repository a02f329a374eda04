"""One gradient, every way: time, passes per second and peak memory, all contenders in turn within one run.

`python -m benchmarks.gradients [--threads N]`
"""

import argparse
import sys
from functools import partial
from statistics import median
from typing import Any

from benchmarks import measure, report
from dualtrain.core.gradients import PerNeuron
from dualtrain.core.runtime.process import keep_freed

REFERENCE = "PyTorch reverse mode"
SECTION = "gradients"
ROUNDS = 25
LIMIT_SECONDS = 6.0
CASES = (
    ("144-20-10", (1, 64, 1024)),
    ("784-100-10", (1, 64, 1024)),
    ("784-128-128-10", (1, 64, 1024)),
    ("784-64-64-64-10", (1, 64, 1024)),
    ("convolutional", (1, 64)),
)
SLOW = {"blog's loop": 1, "JAX one-hot jvps": 64, "jax.jacfwd": 64, "torch.func.jacfwd": 64}
"""The largest batch for which these are waited for."""
DEEP_SLOW = {"per-parameter": 64}
"""The same for networks of more than one hidden layer."""


def main() -> None:
    options = _parser().parse_args()
    measure.limit_threads(options.threads, numpy=1)  # as a worker and `core.train` have it
    if options.memory:
        sys.stdout.write(f"{_memory(*options.memory)}\n")
        return
    keep_freed()  # as they do
    found = {}
    for name, sizes in CASES:
        for samples in sizes:
            found[name, samples] = _case(name, samples, one_thread=options.threads == 1)
            sys.stdout.write(f"{name} {samples} {_summary(found[name, samples])}\n")
            sys.stdout.flush()
    threads = f"{options.threads} thread{'s' if options.threads > 1 else ''}"
    text = f"{measure.machine()}; {threads} for PyTorch and JAX, 1 for NumPy; float32.\n\n" + _tables(found)
    told = report.Report("gradients.md", options.write)
    told.show(f"{SECTION}-{options.threads}", text)
    if options.threads > 1:
        told.draw("gradients.png", partial(_plot, found))


def _parser() -> argparse.ArgumentParser:
    parser = report.arguments("gradients", __doc__)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory", nargs=3, metavar=("CONTENDER", "NETWORK", "SAMPLES"))
    return parser


Found = dict[str, tuple[list[float], int | None]]


def _case(name: str, samples: int, *, one_thread: bool) -> Found:
    """Times and peak memory of each contender that fits."""
    from benchmarks.contenders import CONTENDERS, Case

    case = Case.parse(name, str(samples))
    chosen = [way for way in CONTENDERS if _waited_for(way, name, samples) and not (one_thread and way in SLOW)]
    runs = {way: run for way in chosen if (run := CONTENDERS[way](case)) is not None}
    times = measure.rounds(runs, ROUNDS, LIMIT_SECONDS)
    arguments = {way: ("--memory", way, name, str(samples)) for way in runs}
    return {way: (times[way], measure.peak_bytes("benchmarks.gradients", *arguments[way])) for way in runs}


def _waited_for(way: str, name: str, samples: int) -> bool:
    deep = name.count("-") > 2
    return samples <= SLOW.get(way, samples) and samples <= (DEEP_SLOW.get(way, samples) if deep else samples)


def _memory(way: str, name: str, samples: str) -> int:
    """Peak bytes of one gradient over what the process holds once a tiny one has been made."""
    from benchmarks.contenders import CONTENDERS, Case

    if not _waited_for(way, name, int(samples)):
        raise SystemExit("that would take minutes")
    small, case = Case((4, 3, 2), 1), Case.parse(name, samples)
    warm_up, run = CONTENDERS[way](small), CONTENDERS[way](case)
    assert warm_up is not None
    assert run is not None
    return measure.growth(lambda: (warm_up(), case.inputs, case.parameters, case.labels), run)


def _summary(found: Found) -> str:
    return ", ".join(f"{way} {report.seconds(median(times))}" for way, (times, _) in found.items())


def _tables(found: dict[tuple[str, int], Found]) -> str:
    return "\n\n".join(_table(name, samples, case) for (name, samples), case in found.items())


def _table(name: str, samples: int, case: Found) -> str:
    from benchmarks.contenders import Case

    network = Case.parse(name, str(samples)).network
    passes = network.size
    times = {way: found[0] for way, found in case.items()}
    rows = []
    for way, (taken, memory) in case.items():
        directions = {"per-neuron": PerNeuron().passes(network)}.get(way, passes)
        rate = "–" if "reverse" in way else f"{directions / median(taken):,.0f}"
        held = "–" if memory is None else f"{memory / 1e6:.1f} MB"
        to_reverse = measure.ratio(times, way, REFERENCE)
        rows.append([way, report.seconds(median(taken)), rate, held, f"{to_reverse:,.3g}"])
    head = [f"**{name}, {samples} sample{'s' if samples > 1 else ''}**", "time", "passes/s", "peak memory", "x PyTorch"]
    return report.table(head, rows)


def _plot(found: dict[tuple[str, int], Found]) -> Any:
    from matplotlib import pyplot

    from benchmarks.contenders import CONTENDERS

    colors = {way: f"C{index}" for index, way in enumerate(CONTENDERS)}  # the same in all parts: they have one legend
    figure, axes = pyplot.subplots(1, len(CASES), figsize=(13, 4), sharey=True, layout="constrained")
    for axis, (name, sizes) in zip(axes, CASES, strict=True):
        ways = dict.fromkeys(way for samples in sizes for way in found[name, samples])
        for way in ways:
            points = [(n, median(found[name, n][way][0])) for n in sizes if way in found[name, n]]
            axis.plot(*zip(*points, strict=True), marker="o", label=way, color=colors[way])
        axis.set(title=name, xlabel="samples", xscale="log", yscale="log")
        axis.grid(alpha=0.3)
    axes[0].set_ylabel("seconds for one gradient")
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, frameon=False)
    return figure


if __name__ == "__main__":
    main()
