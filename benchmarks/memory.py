"""Peak memory of one gradient against depth: `python -m benchmarks.memory`.

2 to 128 hidden layers of 64 units, 256 samples, float32. Every figure is the growth of a fresh process's peak over what
it held after a tiny gradient had been made by the same means.
"""

import sys
from functools import partial
from typing import Any

from benchmarks import measure, report
from benchmarks.contenders import CONTENDERS, Case, Contender, ours
from dualtrain.core.gradients import ForwardGradient

DEPTHS = (2, 4, 8, 16, 32, 64, 128)
SAMPLES = 256
DEEPEST = {"per-neuron": 32}
"""Every layer's tangents go through all layers after it, so the work grows with the depth squared."""


def torch_checkpointed(case: Case) -> object:
    """Reverse mode that keeps √L of the L layers' activations and computes the others again."""
    import torch
    from torch.utils.checkpoint import checkpoint_sequential

    pairs = zip(case.widths, case.widths[1:], strict=False)
    layers = [torch.nn.Sequential(torch.nn.Linear(*pair), torch.nn.ReLU()) for pair in pairs]
    layers[-1] = layers[-1][0]
    model, criterion = torch.nn.Sequential(*layers), torch.nn.CrossEntropyLoss()
    inputs, labels, parameters = torch.tensor(case.inputs), torch.tensor(case.labels), list(model.parameters())
    segments = max(round(len(layers) ** 0.5), 1)
    return lambda: torch.autograd.grad(
        criterion(checkpoint_sequential(model, segments, inputs, use_reentrant=False), labels), parameters
    )


WAYS: dict[str, Contender] = {
    "per-neuron": CONTENDERS["per-neuron"],
    "forward gradient, 1 direction": ours(ForwardGradient(directions=1)),
    "PyTorch reverse mode": CONTENDERS["PyTorch reverse mode"],
    "PyTorch, checkpointed": torch_checkpointed,  # type: ignore[dict-item]
}


def main() -> None:
    parser = report.arguments("memory", __doc__)
    parser.add_argument("--measure", nargs=2, metavar=("WAY", "DEPTH"))
    options = parser.parse_args()
    measure.limit_threads(1)
    if options.measure:
        sys.stdout.write(f"{_growth(options.measure[0], int(options.measure[1]))}\n")
        return
    peaks = {way: [_peak(way, depth) if depth <= DEEPEST.get(way, depth) else None for depth in DEPTHS] for way in WAYS}
    told = report.Report("gradients.md", options.write)
    told.show("memory", _table(peaks))
    told.draw("memory.png", partial(_plot, peaks))


def _peak(way: str, depth: int) -> int | None:
    return measure.peak_bytes("benchmarks.memory", "--measure", way, str(depth))


def _case(depth: int) -> Case:
    return Case((784, *[64] * depth, 10), SAMPLES)


def _growth(way: str, depth: int) -> int:
    case, small = _case(depth), Case((784, 64, 64, 10), 2)
    run, warm_up = WAYS[way](case), WAYS[way](small)
    assert run is not None
    assert warm_up is not None
    return measure.growth(lambda: (warm_up(), case.parameters, case.inputs, case.labels), run)


def _table(peaks: dict[str, list[int | None]]) -> str:
    sizes = [f"{4 * _case(depth).network.size / 1e6:.2f} MB" for depth in DEPTHS]
    rows = [[way, *(f"{peak / 1e6:.1f} MB" if peak else "–" for peak in found)] for way, found in peaks.items()]
    rows.append(["the gradient itself", *sizes])
    return report.table(["hidden layers", *map(str, DEPTHS)], rows)


def _plot(peaks: dict[str, list[int | None]]) -> Any:
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4), layout="constrained")
    for way, found in peaks.items():
        points = [(depth, peak / 1e6) for depth, peak in zip(DEPTHS, found, strict=True) if peak]
        axis.plot(*zip(*points, strict=True), marker="o", label=way)
    axis.plot(DEPTHS, [4 * _case(depth).network.size / 1e6 for depth in DEPTHS], "k:", label="the gradient itself")
    axis.set(xlabel="hidden layers of 64 units", ylabel="peak memory, MB", xscale="log")
    axis.set_xticks(DEPTHS, map(str, DEPTHS))
    axis.grid(alpha=0.3)
    axis.legend(frameon=False)
    return figure


if __name__ == "__main__":
    main()
