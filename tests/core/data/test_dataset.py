import numpy as np
import pytest

from dualtrain.core.data import Dataset, scale


def test_the_last_samples_are_those_that_are_held_back() -> None:
    images, labels = np.arange(101, dtype=np.uint8)[:, np.newaxis], np.arange(101, dtype=np.uint8) % 10
    data = Dataset("numbers", 1, tuple("0123456789"), "", images, labels, images[:7], labels[:7])
    held, classes = data.validation(3)
    assert held[:, 0].tolist() == [98, 99, 100]
    assert classes.tolist() == [8, 9, 0]
    assert len(data.validation(0)[0]) == 0


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_scale(dtype: type) -> None:
    pixels = np.arange(256, dtype=np.uint8)
    scaled = scale(pixels, dtype)
    assert scaled.dtype == dtype
    assert np.array_equal(scaled, pixels.astype(dtype) / dtype(255))
