"""A data set at one image size."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Images = NDArray[np.uint8]
Labels = NDArray[np.uint8]


def scale(images: Images, dtype: DTypeLike = np.float32) -> NDArray[Any]:
    """Return pixels 0 to 255 as floats 0 to 1."""
    return np.asarray(np.divide(images, np.dtype(dtype).type(255), dtype=dtype))


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

    def validation(self, validation_limit: int) -> tuple[Images, Labels]:
        """Return the samples that are held back: the last ones of the training split."""
        first = len(self.train_labels) - validation_limit
        return self.train_images[first:], self.train_labels[first:]

    def test(self) -> tuple[Images, Labels]:
        """Return the whole test split."""
        return self.test_images, self.test_labels
