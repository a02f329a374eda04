"""The data set that the project carries is MNIST, pixel by pixel."""

from pathlib import Path

import numpy as np
import pytest

from dualtrain.core.data import UnknownDataset, catalogue, describe, load
from dualtrain.core.data.sources import ON_THE_HUB

TRAIN_COUNTS = [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
TEST_COUNTS = [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]
SUM_OF_PIXELS = 1_567_298_545


def test_it_is_mnist(data_dir: Path) -> None:
    data = load("mnist", 28, data_dir, ())
    assert np.bincount(data.train_labels).tolist() == TRAIN_COUNTS
    assert np.bincount(data.test_labels).tolist() == TEST_COUNTS
    assert int(data.train_images.sum(dtype=np.int64)) == SUM_OF_PIXELS
    assert data.classes == tuple("0123456789")


def test_the_catalogue(data_dir: Path, tmp_path: Path) -> None:
    assert catalogue(tmp_path, ("ylecun/mnist",)) == ("mnist", "ylecun/mnist")
    described = describe("mnist", tmp_path)
    assert (described.source, described.train_samples, described.test_samples) == ("bundled", 60_000, 10_000)
    assert described.classes == describe("ylecun/mnist", tmp_path).classes
    assert set(ON_THE_HUB) == {"ylecun/mnist", "zalando-datasets/fashion_mnist"}


@pytest.mark.parametrize("name", ["", "no-such", "../mnist", "/etc", "a/../b", "mnist/", ".", "MNIST", "ylecun/mnist"])
def test_other_names_are_refused_without_a_look_at_any_file(name: str, tmp_path: Path) -> None:
    with pytest.raises(UnknownDataset, match="there are: mnist"):
        load(name, 12, tmp_path, ())
