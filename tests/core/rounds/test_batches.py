"""Batches are pure functions of seed and step, and cover each epoch exactly once."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dualtrain.core.data import Dataset
from dualtrain.core.rounds import Batches, Epoch

SAMPLES = 101


@pytest.fixture(scope="module")
def data() -> Dataset:
    images = np.arange(SAMPLES, dtype=np.uint8)[:, np.newaxis] * np.ones((1, 4), np.uint8)
    labels = np.arange(SAMPLES, dtype=np.uint8) % 10
    return Dataset("numbers", 2, tuple("0123456789"), "", images, labels, images[:7], labels[:7])


def seen(batches: Batches, number: int) -> list[int]:
    """The first pixel, as it is stored, of each sample of an epoch, in the order in which it comes."""
    epoch = batches.epoch
    found = [
        batches.batch(step, replica)[0]
        for step in range(number * epoch.steps, (number + 1) * epoch.steps)
        for replica in range(epoch.replicas)
    ]
    return [int(value) for inputs in found for value in np.rint(inputs[:, 0] * 255)]


@given(
    seed=st.integers(0, 2**63 - 1),
    number=st.integers(0, 50),
    samples=st.integers(1, SAMPLES),
    batch_size=st.integers(1, 120),
    replicas=st.integers(1, 5),
)
def test_an_epoch_has_every_sample_once(
    data: Dataset, seed: int, number: int, samples: int, batch_size: int, replicas: int
) -> None:
    found = seen(Batches(data, seed, Epoch(samples, batch_size, replicas)), number)
    assert Counter(found) == Counter(range(samples))


def test_seed_and_epoch_change_the_order_and_nothing_else_does(data: Dataset) -> None:
    alone, shared = Epoch(SAMPLES, 8), Epoch(SAMPLES, 3, replicas=2)
    orders = {tuple(seen(Batches(data, seed, alone), number)) for seed in (0, 1) for number in (0, 1)}
    assert len(orders) == 4
    assert seen(Batches(data, 0, alone), 1) == seen(Batches(data, 0, shared), 1)


@given(st.integers(1, 60), st.integers(1, 70), st.integers(1, 5), st.integers(0, 40))
def test_sizes_and_counts_are_those_of_the_batches(samples: int, batch_size: int, replicas: int, steps: int) -> None:
    epoch = Epoch(samples, batch_size, replicas)
    sizes = [epoch.size(step, replica) for step in range(steps) for replica in range(replicas)]
    assert all(0 <= size <= batch_size for size in sizes)
    assert steps < epoch.steps or sum(sizes[: epoch.steps * replicas]) == samples
    assert epoch.batches(steps) == np.count_nonzero(sizes)


def test_labels_go_with_their_images(data: Dataset) -> None:
    inputs, labels = Batches(data, 5, Epoch(SAMPLES, 10)).batch(3)
    assert inputs.dtype == np.float32
    assert labels.dtype == np.int64
    assert (np.rint(inputs[:, 0] * 255).astype(int) % 10 == labels).all()
