"""Evaluation of a model on samples that it was not trained on."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dualtrain.core.nn import Network

EVALUATED_AT_ONCE = 2000
"""Samples per forward pass of an evaluation at most, so that it needs little memory."""
EVALUATED_NUMBERS = 1 << 23
"""In the widest layer of such a pass, for the same reason."""


@dataclass(frozen=True)
class Evaluation:
    """Result of a model on the test split. Accuracies from 0 to 1.

    `confusion` (C, C) counts; rows are true classes. It is None where only the accuracies were kept.
    """

    step: int
    test_accuracy: float
    validation_accuracy: float | None
    confusion: NDArray[np.int64] | None = None

    @property
    def score(self) -> float:
        """Accuracy that `best` and `target_accuracy` use: on the validation samples if any, else on the test split."""
        return self.test_accuracy if self.validation_accuracy is None else self.validation_accuracy

    def document(self) -> dict[str, Any]:
        """Return the evaluation as JSON has it, with the accuracy of each class (None: a class without samples)."""
        assert self.confusion is not None
        totals = self.confusion.sum(axis=1)
        right = self.confusion.diagonal()
        by_class = [float(count / total) if total else None for count, total in zip(right, totals, strict=True)]
        return {**self.accuracies(), "confusion": self.confusion.tolist(), "by_class": by_class}

    @classmethod
    def from_document(cls, document: Mapping[str, Any]) -> "Evaluation":
        """Read `document`."""
        confusion = np.array(document["confusion"], np.int64)
        return cls(document["step"], document["test_accuracy"], document["validation_accuracy"], confusion)

    def accuracies(self) -> dict[str, Any]:
        """Return everything but the confusion matrix, as JSON has it."""
        return {"step": self.step, "test_accuracy": self.test_accuracy, "validation_accuracy": self.validation_accuracy}


def evaluated_at_once(network: Network) -> int:
    """Return how many samples one forward pass of an evaluation takes."""
    return max(1, min(EVALUATED_AT_ONCE, EVALUATED_NUMBERS // max(network.widths)))


def accuracy(confusion: NDArray[np.int64]) -> float:
    """Return the share of samples on the diagonal; 0 without samples."""
    return float(np.trace(confusion) / max(1, confusion.sum()))
