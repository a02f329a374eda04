"""The steps at which a job's history is recorded, and its columns.

The steps follow from the spec and the number of training samples alone, so two runs of one spec have the same points,
and curves of several seeds can be averaged step by step.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

MAX_POINTS = 1000
"""Points of one history at most, beside the first and the last: half at even distances, half evaluations."""
ACCURACIES = ("test_accuracy", "validation_accuracy")
DIAGNOSTICS = ("gradient_norm", "gradient_variance", "cosine")
TIMES = ("seconds", "worker_seconds")
"""Columns that differ between two runs of one spec."""
COLUMNS = ("step", "samples_seen", "passes", "evaluations", "loss", *ACCURACIES, *DIAGNOSTICS, *TIMES)


@dataclass(frozen=True)
class RecordedSteps:
    """The recorded steps of a job with `total_steps` that is evaluated every `evaluate_every` steps.

    Distances are powers of two: of a job that is extended, the steps recorded so far contain those of the longer job.
    """

    total_steps: int
    evaluate_every: int

    @cached_property
    def stride(self) -> int:
        """Steps between two recorded ones."""
        return _stride(self.total_steps)

    @cached_property
    def evaluation_stride(self) -> int:
        """Steps between two recorded evaluations."""
        return self.evaluate_every * _stride(self.total_steps // self.evaluate_every)

    def due(self, before: int, after: int) -> bool:
        """Return whether the state after a round from step `before` to step `after` is recorded."""
        if before == 0 or after >= self.total_steps:
            return True
        return any(after // stride > before // stride for stride in (self.stride, self.evaluation_stride))

    def thinned(self, points: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
        """Return the points, by step, that are also recorded in a job of this length."""
        before = 0
        recorded = []
        for point in points:
            if self.due(before, point["step"]):
                recorded.append(point)
            before = point["step"]
        return recorded


def _stride(count: int) -> int:
    """Return the least power of two by which `count` steps become at most half of `MAX_POINTS`."""
    ratio = -(-count // (MAX_POINTS // 2))
    return 1 << max(0, ratio - 1).bit_length()
