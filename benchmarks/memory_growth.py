"""Memory of API, aggregator and workers over many rounds: `python -m benchmarks.memory_growth --rounds 100000`."""

import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil

from benchmarks.harness import Plant, plant, process
from benchmarks.measure import machine
from benchmarks.report import Report, arguments, table
from benchmarks.service import LIGHT
from dualtrain.core.job import ENDED

SAMPLES = 10
WARM = 2
"""Samples at the beginning that do not count: imports, caches and the first checkpoint come with them."""


def measure(data_dir: Path, rounds: int) -> str:
    """Return the resident memory of each process at ten points of a job, in MB."""
    with plant(2, data_dir, aggregator=False) as service:
        command = ("python", "-m", "dualtrain.api.server", "--port", "8573")
        with process(command, service.settings, service.folder / "api.log"):
            points = list(_watch(service, rounds))
    names = list(points[-1][1])
    rows = [(f"{step:,}", *(f"{sizes.get(name, 0) / 1e6:.1f}" for name in names)) for step, sizes in points]
    kept = points[WARM:]
    growth = [f"{name} {(kept[-1][1][name] - kept[0][1].get(name, 0)) / 1e6:+.1f} MB" for name in names]
    told = table(("step", *names), rows)
    return f"{told}\n\nFrom step {kept[0][0]:,} to {kept[-1][0]:,}: {', '.join(growth)}."


def _watch(service: Plant, rounds: int) -> Iterator[tuple[int, dict[str, int]]]:
    job_id, wanted = service.submit(**{**LIGHT, "epochs": 1000, "max_steps": rounds, "evaluate_every": 5000}), 0
    while (job := service.jobs.get(job_id)).status not in ENDED:
        if job.progress.step >= wanted:
            yield job.progress.step, _sizes()
            wanted += rounds // SAMPLES
        time.sleep(0.2)


def _sizes() -> dict[str, int]:
    """Resident bytes by name of the service's Python processes, this one left out."""
    found: dict[str, int] = {}
    kinds = {"dualtrain.api.server": "API", "dualtrain.api.aggregator": "aggregator", "celery": "worker"}
    for child in psutil.Process().children(recursive=True):
        kind = next((name for part, name in kinds.items() if part in child.cmdline()), None)
        if kind is not None:
            parent = kind == "worker" and child.ppid() == psutil.Process().pid
            number = sum(name.startswith(f"{kind} process") for name in found) + 1
            name = f"{kind} parent" if parent else f"{kind} process {number}" if kind == "worker" else kind
            found[name] = child.memory_info().rss
    return found


def main() -> None:
    """Measure and print."""
    parser = arguments("flatness", __doc__)
    parser.add_argument("--rounds", type=int, default=100_000)
    options = parser.parse_args()
    sys.stdout.write(f"{machine()}\n")
    Report("reliability.md", options.write).show("memory", measure(options.data_dir, options.rounds))


if __name__ == "__main__":
    main()
