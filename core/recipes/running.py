"""Running a recipe on this machine, each job in a process of its own, so that its peak memory is known."""

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from dualtrain.core.recipes.recipe import Expectation, Recipe
from dualtrain.core.sweep import CellSummary, Outcome, cells, job_document, jobs, summarize

_SWEEP_ID = "sweep-000000000000"
"""Names the jobs of a sweep that no service knows."""


class Result(NamedTuple):
    """A cell with its figures over the seeds. Errors are test errors in percent, memory in MiB."""

    cell: CellSummary
    error: float
    deviation: float | None
    expected: Expectation
    memory: float
    sha256: list[str]

    @property
    def verdict(self) -> str:
        """Comparison of the mean with the stated result, within the tolerance; "" where no result is stated."""
        if self.expected.here is None:
            return ""
        return "as before" if abs(self.error - self.expected.here) <= self.expected.tolerance else "differs"


def run_recipe(recipe: Recipe, small: bool, tell: Callable[[str], None]) -> list[Result]:
    """Run every job, tell each one's end in a line, and return the cells in order.

    Raises RuntimeError when a job fails.
    """
    sweep = recipe.sized(small)
    outcomes: list[Outcome] = []
    digests: dict[int, list[str]] = {}
    memory: dict[int, float] = {}
    for job in jobs(_SWEEP_ID, sweep):
        result = _train(job_document(sweep, job.cell, job.seed))
        outcomes.append(_outcome(job.id, job.cell.index, job.seed, result))
        digests.setdefault(job.cell.index, []).append(result["sha256"])
        memory[job.cell.index] = max(memory.get(job.cell.index, 0.0), result["memory"])
        tell(f"{job.cell.name}, seed {job.seed}: {1 - result['test_accuracy']:.2%} in {result['seconds']:.1f} s")
    stated = {} if small else recipe.expected
    summaries = summarize(cells(sweep), outcomes)
    return [_result(summary, stated, memory[i], digests[i]) for i, summary in enumerate(summaries)]


def _result(cell: CellSummary, stated: dict[str, Expectation], memory: float, digests: Sequence[str]) -> Result:
    accuracy, deviation = cell.test_accuracy.mean or 0.0, cell.test_accuracy.std
    spread = None if deviation is None else 100 * deviation
    return Result(cell, 100 * (1 - accuracy), spread, stated.get(cell.name, Expectation()), memory, list(digests))


def _outcome(job_id: str, cell: int, seed: int, result: dict[str, Any]) -> Outcome:
    return Outcome(
        job_id=job_id,
        cell=cell,
        seed=seed,
        status="succeeded",
        test_accuracy=result["test_accuracy"],
        seconds=result["seconds"],
        passes=result["passes"] or result["evaluations"],
    )


def _train(document: dict[str, Any]) -> dict[str, Any]:
    """Return the result of `dualtrain.core.train`, with the process's peak memory in MiB."""
    with tempfile.TemporaryDirectory() as folder:
        spec = Path(folder, "spec.json")
        spec.write_text(json.dumps(document), "utf-8")
        command = [sys.executable, "-P", "-m", "dualtrain.core.train", "--json", str(spec)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        out, error, usage = _finished(process)
    if process.returncode:
        raise RuntimeError(f"{document['name']} failed: {error.strip()}")
    result: dict[str, Any] = json.loads(out.splitlines()[-1])
    return result | {"memory": usage.ru_maxrss / 1024}


def _finished(process: "subprocess.Popen[str]") -> tuple[str, str, resource.struct_rusage]:
    """Return what a process wrote, and what it used; its output is a few lines, less than a pipe holds."""
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.stdout is not None
    assert process.stderr is not None
    with process.stdout, process.stderr:
        return process.stdout.read(), process.stderr.read(), usage
