"""Small data sets in the schema of the hub."""

import io
from collections.abc import Callable
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from PIL import Image

FEATURES = datasets.Features({"image": datasets.Image(), "label": datasets.ClassLabel(names=["no", "yes"])})


def picture(seed: int, side: int = 28, form: str = "PNG") -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (side, side), np.uint8)).save(file, form)
    return file.getvalue()


@pytest.fixture(scope="session")
def draw() -> Callable[..., bytes]:
    """Return a function that returns a file with random pixels."""
    return picture


@pytest.fixture(scope="session")
def write_split() -> Callable[[Path, int], None]:
    """Return a function that writes a Parquet file of so many samples."""

    def write(path: Path, count: int) -> None:
        cells = [{"bytes": picture(seed), "path": None} for seed in range(count)]
        labels = [seed % 2 for seed in range(count)]
        parquet.write_table(pa.table({"image": cells, "label": labels}, schema=FEATURES.arrow_schema), path)

    return write
