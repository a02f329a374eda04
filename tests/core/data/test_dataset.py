"""Batches are pure functions of seed and step, and cover each epoch exactly once."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.data import Dataset, scale

SAMPLES = 101


@pytest.fixture(scope="module")
def data() -> Dataset:
    images = np.arange(SAMPLES, dtype=np.uint8)[:, np.newaxis] * np.ones((1, 4), np.uint8)
    labels = np.arange(SAMPLES, dtype=np.uint8) % 10
    return Dataset("numbers", 2, tuple("0123456789"), "", images, labels, images[:7], labels[:7])


def seen(data: Dataset, epoch: int, **choice: int) -> list[int]:
    """The first pixel, as it is stored, of each sample of an epoch, in the order in which it comes."""
    replicas = choice.pop("replicas", 1)
    limits = {name: choice[name] for name in ("train_limit", "validation_limit") if name in choice}
    steps = data.steps_per_epoch(choice["batch_size"], replicas, **limits)
    batches = [
        data.batch(choice["seed"], step, choice["batch_size"], replica=replica, replicas=replicas, **limits)[0]
        for step in range(epoch * steps, (epoch + 1) * steps)
        for replica in range(replicas)
    ]
    return [int(value) for batch in batches for value in np.rint(batch[:, 0] * 255)]


@given(
    seed=st.integers(0, 2**63 - 1),
    epoch=st.integers(0, 50),
    batch_size=st.integers(1, 120),
    replicas=st.integers(1, 5),
    validation_limit=st.integers(0, 100),
)
def test_an_epoch_has_every_sample_once(
    data: Dataset, seed: int, epoch: int, batch_size: int, replicas: int, validation_limit: int
) -> None:
    found = seen(data, epoch, seed=seed, batch_size=batch_size, replicas=replicas, validation_limit=validation_limit)
    assert Counter(found) == Counter(range(SAMPLES - validation_limit))


def test_seed_and_epoch_change_the_order_and_nothing_else_does(data: Dataset) -> None:
    orders = {tuple(seen(data, epoch, seed=seed, batch_size=8)) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4
    assert seen(data, 1, seed=0, batch_size=8) == seen(data, 1, seed=0, batch_size=3, replicas=2)


def test_train_limit_takes_the_first_that_are_not_held_back(data: Dataset) -> None:
    assert sorted(seen(data, 0, seed=0, batch_size=8, train_limit=30)) == list(range(30))
    assert data.train_samples(None, 1) == 100
    assert data.train_samples(500, 1) == 100
    held, labels = data.validation(3)
    assert held[:, 0].tolist() == [98, 99, 100]
    assert labels.tolist() == [8, 9, 0]
    assert len(data.validation(0)[0]) == 0


def test_labels_go_with_their_images(data: Dataset) -> None:
    inputs, labels = data.batch(5, 3, 10)
    assert inputs.dtype == np.float32
    assert labels.dtype == np.int64
    assert (np.rint(inputs[:, 0] * 255).astype(int) % 10 == labels).all()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scale(dtype: type) -> None:
    pixels = np.arange(256, dtype=np.uint8)
    scaled = scale(pixels, dtype)
    assert scaled.dtype == dtype
    assert np.array_equal(scaled, pixels.astype(dtype) / dtype(255))
