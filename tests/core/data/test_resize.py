"""Many images at once have the bits of Pillow's single calls."""

import numpy as np
import pytest
from PIL import Image

from dualtrain.core.data import resize
from dualtrain.core.data.resizing import AT_ONCE


@pytest.mark.parametrize("size", [4, 5, 12, 27, 28, 29, 40, 64])
def test_stacked_is_single(size: int) -> None:
    images = np.random.default_rng(size).integers(0, 256, (30, 28, 28), np.uint8)
    images[0], images[1] = 255, 0
    single = [np.asarray(Image.fromarray(one).resize((size, size), Image.Resampling.BILINEAR)) for one in images]
    assert np.array_equal(resize(images, size), np.reshape(single, (30, size * size)))


def test_more_than_fit_into_one_call() -> None:
    images = np.random.default_rng(0).integers(0, 256, (AT_ONCE + 3, 28, 28), np.uint8)
    assert np.array_equal(resize(images, 8)[-5:], resize(images[-5:], 8))
    assert resize(images[:0], 8).shape == (0, 64)
