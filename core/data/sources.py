"""Sources of data sets: bundled with the project, uploaded, or on the operator's list of hub names."""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet

from dualtrain.core.data.images import MNIST, PLAIN, PREPARATIONS

PREPROCESSING = b"dualtrain.preprocessing"
"""Key in the metadata of a Parquet schema."""
BUNDLED = Path(__file__).parent / "mnist"
SPLITS = ("train", "test")
NAME = re.compile(r"[a-z0-9][a-z0-9_.-]{0,63}")
"""What an uploaded data set may be called; no name leaves its directory."""


class UnknownDataset(LookupError):
    """There is no data set of this name."""


@dataclass(frozen=True)
class Description:
    """A data set before it is read. `source`: `bundled`, `uploaded` or `hub`.

    `preprocessing` is how a picture that is sent for prediction is prepared, a key of `images.PREPARATIONS`: as the
    set's own pictures were.
    """

    name: str
    source: str
    classes: tuple[str, ...]
    train_samples: int
    test_samples: int
    preprocessing: str = PLAIN


ON_THE_HUB = {
    "ylecun/mnist": Description("ylecun/mnist", "hub", tuple("0123456789"), 60_000, 10_000, MNIST),
    "zalando-datasets/fashion_mnist": Description(
        "zalando-datasets/fashion_mnist",
        "hub",
        ("T - shirt / top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        60_000,
        10_000,
    ),
}
"""Known without asking the hub, so that a job can be checked with no network."""


def catalogue(data_dir: Path, hub_allowed: Sequence[str]) -> tuple[str, ...]:
    """Return the names that a job may ask for: `mnist`, what lies under `data_dir/datasets`, the allowed hub names."""
    names = (path.name for path in _uploads(data_dir).glob("*/train.parquet") for path in [path.parent])
    local = sorted(name for name in names if NAME.fullmatch(name))
    return tuple(dict.fromkeys(("mnist", *local, *hub_allowed)))


def describe(name: str, data_dir: Path) -> Description:
    """Return classes and sizes of a data set of the catalogue. Raises UnknownDataset."""
    folder = folder_of(name, data_dir)
    if folder is not None:
        files = {split: parquet.ParquetFile(folder / f"{split}.parquet") for split in SPLITS}
        train, test = (files[split].metadata.num_rows for split in SPLITS)
        schema = files["train"].schema_arrow
        source, preprocessing = ("bundled", MNIST) if folder == BUNDLED else ("uploaded", preprocessing_in(schema))
        return Description(name, source, named_classes(schema), train, test, preprocessing)
    return ON_THE_HUB[name] if name in ON_THE_HUB else _ask_the_hub(name)


def folder_of(name: str, data_dir: Path) -> Path | None:
    """Return where a data set's two Parquet files lie, None when they are not on this host."""
    folder = BUNDLED if name == "mnist" else _uploads(data_dir) / name
    here = NAME.fullmatch(name) and all((folder / f"{split}.parquet").is_file() for split in SPLITS)
    return folder if here else None


def source_digest(folder: Path | None, name: str) -> str:
    """Return 12 hex digits that change with the files of a data set; of a hub name, what was read first stays."""
    parts = [f"hub {name}".encode()] if folder is None else [_sha256(folder / f"{split}.parquet") for split in SPLITS]
    return hashlib.sha256(b"".join(parts)).hexdigest()[:12]


def read(folder: Path | None, name: str, cache_dir: Path) -> Any:
    """Return the splits of a data set, by name, as `datasets.load_dataset` reads them: local files and the hub alike.

    No code of a data set is ever run. Raises UnknownDataset when the hub cannot give it, ValueError for broken files.
    """
    import datasets  # it takes 0.7 s to import, and most processes find the cache filled

    datasets.disable_progress_bars()
    if folder is not None:
        files = {split: str(folder / f"{split}.parquet") for split in SPLITS}
        try:
            return datasets.load_dataset("parquet", data_files=files, cache_dir=str(cache_dir))
        except datasets.exceptions.DatasetGenerationError as error:
            raise ValueError(f"the files of data set {name!r} in {folder} cannot be read") from error
    try:
        return datasets.load_dataset(name, cache_dir=str(cache_dir))
    except Exception as error:
        raise UnknownDataset(f"the hub did not give data set {name!r}: {error}") from error


def preprocessing_in(schema: Any) -> str:
    """Return the preprocessing that an Arrow schema names, `none` where it names no known one."""
    named = (schema.metadata or {}).get(PREPROCESSING, b"").decode("ascii", "replace")
    return named if named in PREPARATIONS else PLAIN


def named_classes(schema: Any) -> tuple[str, ...]:
    """Return the class names in an Arrow schema that `datasets` wrote; none where it names none."""
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return tuple(map(str, features["label"]["names"]))
    except (TypeError, KeyError, ValueError):
        return ()


def _ask_the_hub(name: str) -> Description:
    import datasets

    try:
        info = datasets.load_dataset_builder(name).info
        sizes = [info.splits[split].num_examples for split in SPLITS]
        return Description(name, "hub", tuple(info.features["label"].names), *sizes)
    except Exception as error:
        raise UnknownDataset(f"the hub gives no information on data set {name!r}: {error}") from error


def _uploads(data_dir: Path) -> Path:
    return data_dir / "datasets"


def _sha256(path: Path) -> bytes:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()
