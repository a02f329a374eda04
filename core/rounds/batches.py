"""The batches of a run: which samples each step of each replica sees."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from core.data import Dataset


@dataclass(frozen=True)
class Batches:
    """Batches of `data` without its last `validation_limit` samples, each epoch in an order of its own."""

    data: Dataset
    seed: int
    batch_size: int
    replicas: int = 1
    train_limit: int | None = None
    validation_limit: int = 0

    @property
    def samples(self) -> int:
        """How many samples an epoch has."""
        return self.data.train_samples(self.train_limit, self.validation_limit)

    @cached_property
    def steps_per_epoch(self) -> int:
        """How many steps each replica makes in an epoch; the last batch may be short."""
        return self.data.steps_per_epoch(self.batch_size, self.replicas, self.train_limit, self.validation_limit)

    def size(self, step: int, replica: int = 0) -> int:
        """Return how many samples a batch has."""
        first = ((step % self.steps_per_epoch) * self.replicas + replica) * self.batch_size
        return max(0, min(self.batch_size, self.samples - first))

    def batch(
        self, step: int, replica: int = 0, *, dtype: DTypeLike = np.float32
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return inputs (N, D) in [0, 1] and labels (N,) of a step: the same on every host."""
        return self.data.batch(
            self.seed,
            step,
            self.batch_size,
            replica=replica,
            replicas=self.replicas,
            train_limit=self.train_limit,
            validation_limit=self.validation_limit,
            dtype=dtype,
        )

    def validation(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Return the samples that are held back, as they are stored: images (n, D), labels (n,)."""
        return self.data.validation(self.validation_limit)
