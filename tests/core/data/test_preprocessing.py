"""MNIST's form leaves MNIST's digits about as they are, and brings others to it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from dualtrain.core.data import Dataset, load
from dualtrain.core.data.preprocessing import Blank, mnist_form


@pytest.fixture(scope="module")
def digits(data_dir: Path) -> np.ndarray:
    data: Dataset = load("mnist", 28, data_dir, ())
    return np.asarray(data.train_images[:200]).reshape(-1, 28, 28).astype(np.float32)


def test_mnist_stays_mnist(digits: np.ndarray) -> None:
    differences = [np.abs(mnist_form(digit) - digit).mean() for digit in digits]
    assert np.median(differences) < 8  # of 255; two digits that are not the same differ by about 40


@pytest.mark.parametrize("enlarged", [3, 9])
def test_size_place_and_polarity_do_not_matter(digits: np.ndarray, enlarged: int) -> None:
    differences = []
    for digit in digits[:40]:
        large = np.kron(digit, np.ones((enlarged, enlarged), np.float32))
        canvas = np.full((500, 300), 250, np.float32)
        canvas[40 : 40 + len(large), 20 : 20 + len(large)] -= large * 0.8
        light = 250 - canvas
        assert np.abs(mnist_form(canvas).astype(int) - mnist_form(light)).max() <= 1
        differences.append(np.abs(mnist_form(canvas).astype(int) - mnist_form(digit)).mean())
    assert np.median(differences) < 8


@settings(deadline=None)
@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 60), st.integers(1, 60))))
def test_any_picture_has_a_form_or_is_blank(pixels: np.ndarray) -> None:
    try:
        found = mnist_form(pixels.astype(np.float32))
    except Blank:
        return
    assert (found.shape, found.dtype, found.max()) == ((28, 28), np.uint8, 255)
