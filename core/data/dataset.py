"""A data set at one image size, and the batches of a run: pure functions of seed and step."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]

ORDER = 0x0DE2
"""Keeps the random numbers of the order of samples apart from all others that a run draws from its seed."""


def scale(images: Images, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return pixels 0 to 255 as floats 0 to 1."""
    return np.asarray(np.divide(images, np.dtype(dtype).type(255), dtype=dtype))


def samples_in_epoch(samples: int, train_limit: int | None = None, validation_limit: int = 0) -> int:
    """Return how many of a training split an epoch has: the first `train_limit` of those that are not held back."""
    left = samples - validation_limit
    return left if train_limit is None else min(left, train_limit)


def steps_in_epoch(samples: int, batch_size: int, replicas: int = 1) -> int:
    """Return how many steps each replica makes in an epoch of so many samples; the last batches may be short."""
    return math.ceil(samples / (batch_size * replicas))


@dataclass(frozen=True, eq=False)
class Dataset:
    """Images (n, image_size²) and labels (n,), uint8, memory-mapped. `sha256`: of all arrays and the classes."""

    name: str
    image_size: int
    classes: tuple[str, ...]
    sha256: str
    train_images: Images
    train_labels: Labels
    test_images: Images
    test_labels: Labels

    def train_samples(self, train_limit: int | None = None, validation_limit: int = 0) -> int:
        """Return how many samples an epoch has."""
        return samples_in_epoch(len(self.train_labels), train_limit, validation_limit)

    def steps_per_epoch(
        self, batch_size: int, replicas: int = 1, train_limit: int | None = None, validation_limit: int = 0
    ) -> int:
        """Return how many steps each replica makes in an epoch; the last batch may be short."""
        return steps_in_epoch(self.train_samples(train_limit, validation_limit), batch_size, replicas)

    def batch(
        self,
        seed: int,
        step: int,
        batch_size: int,
        *,
        replica: int = 0,
        replicas: int = 1,
        train_limit: int | None = None,
        validation_limit: int = 0,
        dtype: DTypeLike = np.float32,
    ) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return inputs (N, D) in [0, 1] and labels (N,) of a step: the same on every host.

        One permutation per `(seed, epoch)` is cut into batches, which the replicas take in turn. The last batches of an
        epoch may be short, or empty.
        """
        samples = self.train_samples(train_limit, validation_limit)
        epoch, at = divmod(step, self.steps_per_epoch(batch_size, replicas, train_limit, validation_limit))
        first = (at * replicas + replica) * batch_size
        chosen = _order(seed, epoch, samples)[first : first + batch_size]
        images, labels = self.train_images.take(chosen, axis=0), self.train_labels.take(chosen)  # faster than by index
        return scale(images, dtype), labels.astype(np.int64)

    def validation(self, validation_limit: int) -> tuple[Images, Labels]:
        """Return the samples that are held back: the last ones of the training split."""
        first = len(self.train_labels) - validation_limit
        return self.train_images[first:], self.train_labels[first:]

    def test(self) -> tuple[Images, Labels]:
        """Return the whole test split."""
        return self.test_images, self.test_labels


@lru_cache(maxsize=16)
def _order(seed: int, epoch: int, samples: int) -> NDArray[np.int64]:
    order = np.random.default_rng([ORDER, seed, epoch]).permutation(samples)
    order.setflags(write=False)  # shared by all batches of the epoch
    return order
