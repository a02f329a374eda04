"""The most that two workers can reach on two processors: `python -m benchmarks.ceiling`.

Servers, aggregator and Celery's parent run on the processors that compute. What they take of them for a round is lost
to the workers, whatever waits for what; set beside what a step of `core.train` takes, it bounds the ratio of the two.
"""

import sys
from pathlib import Path
from statistics import median
from typing import Any

import psutil

from benchmarks.harness import Plant, plant
from benchmarks.measure import machine
from benchmarks.report import Report, arguments, table
from benchmarks.service import HEAVY, HEAVY_BATCHES, HEAVY_SAMPLES, REPEATS, train_seconds

PROGRAMS = {
    "dualtrain.api.aggregator": "aggregator",
    "celery": "Celery's parent",
    "exchange": "exchange",
    "store": "store",
}
"""By a part of the command line. The processes that compute are left out: they also wait awake."""


def measure(data_dir: Path) -> str:
    """Return the processor time of each program for a round, and the time of a step of `core.train`."""
    rows = []
    with plant(2, data_dir) as service:
        for batch in HEAVY_BATCHES:
            spec, steps = {**HEAVY, "batch_size": batch}, HEAVY_SAMPLES // batch
            _round(service, spec, steps)
            turns = [
                (_round(service, spec, steps), train_seconds(spec, data_dir, steps) / steps) for _ in range(REPEATS)
            ]
            shares = [median(taken[name] for taken, _ in turns) for name in PROGRAMS.values()]
            most = median(step / (step + sum(taken.values())) for taken, step in turns)
            times = (*shares, median(step for _, step in turns))
            rows.append((f"{batch}", *(f"{1e3 * one:.2f} ms" for one in times), f"{most:.2f}"))
    return table(("batch", *PROGRAMS.values(), "a step of `core.train`", "at most"), rows)


def _round(service: Plant, spec: dict[str, Any], steps: int) -> dict[str, float]:
    """Processor seconds for a round, by program, a mean over a whole job."""
    before = _taken()
    service.finish(service.submit(**spec, max_steps=steps))
    return {name: (seconds - before[name]) / steps for name, seconds in _taken().items()}


def _taken() -> dict[str, float]:
    """Processor seconds of the service's programs so far."""
    seconds = {}
    for child in psutil.Process().children():
        name = next(name for part, name in PROGRAMS.items() if part in " ".join(child.cmdline()))
        times = child.cpu_times()
        seconds[name] = times.user + times.system
    return seconds


def main() -> None:
    """Measure and print."""
    options = arguments("ceiling", __doc__).parse_args()
    sys.stdout.write(f"{machine()}\n")
    Report("scaling.md", options.write).show("ceiling", measure(options.data_dir))


if __name__ == "__main__":
    main()
