"""The batches of a run: which samples each step of each replica sees, as pure functions of seed and step."""

from dataclasses import dataclass
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from dualtrain.core.data import Dataset, scale

ORDER = 0x0DE2
"""Keeps the random numbers of the order of samples apart from all others that a run draws from its seed."""


@dataclass(frozen=True)
class Epoch:
    """An epoch of `samples` samples in batches, which the replicas take in turn.

    The last batches may be short, or empty. Steps count on through all epochs.
    """

    samples: int
    batch_size: int
    replicas: int = 1

    @property
    def steps(self) -> int:
        """Number of steps of each replica in an epoch."""
        return ceil(self.samples / (self.batch_size * self.replicas))

    def places(self, step: int, replica: int = 0) -> range:
        """Return which places of the epoch's order a batch has."""
        first = (step % self.steps * self.replicas + replica) * self.batch_size
        return range(first, min(first + self.batch_size, self.samples))

    def size(self, step: int, replica: int = 0) -> int:
        """Return how many samples a batch has."""
        return len(self.places(step, replica))

    def batches(self, steps: int) -> int:
        """Return how many batches all replicas together see in their first `steps` steps, without the empty ones."""
        in_epoch = ceil(self.samples / self.batch_size)
        epochs, rest = divmod(steps, self.steps)
        return epochs * in_epoch + min(rest * self.replicas, in_epoch)


@dataclass(frozen=True)
class Batches:
    """Batches of the first samples of `data`, as many as an epoch has, each epoch in an order of its own."""

    data: Dataset
    seed: int
    epoch: Epoch

    def batch(
        self, step: int, replica: int = 0, *, dtype: DTypeLike = np.float32
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return inputs (N, D) in [0, 1] and labels (N,) of a step: the same on every host."""
        data, places = self.data, self.epoch.places(step, replica)
        chosen = _order(self.seed, step // self.epoch.steps, self.epoch.samples)[places.start : places.stop]
        images, labels = data.train_images.take(chosen, axis=0), data.train_labels.take(chosen)  # faster than by index
        return scale(images, dtype), labels.astype(np.int64)


@lru_cache(maxsize=16)
def _order(seed: int, epoch: int, samples: int) -> NDArray[np.int64]:
    """One permutation for each seed and epoch."""
    order = np.random.default_rng([ORDER, seed, epoch]).permutation(samples)
    order.setflags(write=False)  # shared by all batches of the epoch
    return order
