"""Data sets decoded and resized once per host, then memory-mapped by every process.

A prepared directory is checked when a process opens it for the first time: its digest is part of every job's numerics,
so bytes that changed must not pass for the ones that it stands for. A damaged one is made again.
"""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import structlog
from filelock import FileLock
from numpy.typing import NDArray

from dualtrain.core.data.dataset import Dataset
from dualtrain.core.data.decode import Progress, decode
from dualtrain.core.data.resizing import SIDE, resize
from dualtrain.core.data.sources import SPLITS, UnknownDataset, catalogue, folder_of, read, source_digest

Arrays = dict[str, NDArray[np.uint8]]
ARRAYS = ("train_images", "train_labels", "test_images", "test_labels")
FACTS = "facts.json"
MAX_CLASSES = 256
"""Labels are kept as uint8."""
TEMPORARY = ".preparing-"
"""Beginning of the name of a directory that is not whole yet; the id of the process that writes it follows."""

log = structlog.get_logger()
_checked: set[tuple[Any, ...]] = set()
"""States of prepared directories whose digests this process has checked."""


class Damaged(ValueError):
    """A prepared data set is missing or not whole."""


def load(
    name: str, image_size: int, data_dir: Path, hub_allowed: Sequence[str], progress: Progress | None = None
) -> Dataset:
    """Return a data set at `image_size`; the first call on a host prepares it under a lock (MNIST: some seconds).

    Raises UnknownDataset for a name that is not in the catalogue, or that the hub does not give.
    """
    known = catalogue(data_dir, hub_allowed)
    if name not in known:
        raise UnknownDataset(f"data set {name!r} is not known; there are: {', '.join(known)}")
    folder = folder_of(name, data_dir)
    stem = _stem(name, folder)
    original, prepared = (data_dir / "cache" / stem.format(size=size) for size in (SIDE, image_size))
    try:
        return _open(name, image_size, prepared)
    except Damaged as error:
        if prepared.exists():
            log.warning("a prepared data set is damaged and is made again", path=str(prepared), error=str(error))
        _prepare(name, folder, original, prepared, image_size, progress or _silent)
        return _open(name, image_size, prepared)


def is_prepared(name: str, image_size: int, data_dir: Path) -> bool:
    """Return whether `load` finds a data set prepared at this size on this host."""
    return (data_dir / "cache" / _stem(name, folder_of(name, data_dir)).format(size=image_size)).exists()


def forget(name: str, folder: Path, data_dir: Path) -> None:
    """Remove what this host prepared of the data set in `folder`, at all sizes."""
    for place in (data_dir / "cache").glob(_stem(name, folder).format(size="*")):
        shutil.rmtree(place, ignore_errors=True)


def _stem(name: str, folder: Path | None) -> str:
    """Return the name pattern of a data set's prepared directories, with a placeholder for `size`."""
    return f"{name.replace('/', '--')}-{{size}}-{source_digest(folder, name)}"


def _prepare(name: str, folder: Path | None, original: Path, prepared: Path, size: int, progress: Progress) -> None:
    original.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(original.with_suffix(".lock")):
        _remove_leftovers(original.parent)
        first = _whole(name, SIDE, original)
        if first is None:
            _write(original, *_decoded(name, folder, original.parent, progress))
            first = _open(name, SIDE, original)
        if prepared != original and _whole(name, size, prepared) is None:
            _write(prepared, _resized(first, size), first.classes)


def _whole(name: str, size: int, place: Path) -> Dataset | None:
    """Return a prepared data set, None when there is none or it is damaged."""
    try:
        return _open(name, size, place)
    except Damaged:
        return None


def _remove_leftovers(folder: Path) -> None:
    """Remove the temporary directories of processes that died while they wrote; the process id is in their names."""
    for path in folder.glob(f"{TEMPORARY}*"):
        writer = path.name.removeprefix(TEMPORARY).partition("-")[0]
        if not writer.isdigit() or not Path(f"/proc/{writer}").exists():
            shutil.rmtree(path, ignore_errors=True)


def _decoded(name: str, folder: Path | None, cache_dir: Path, progress: Progress) -> tuple[Arrays, tuple[str, ...]]:
    with tempfile.TemporaryDirectory(dir=cache_dir, prefix=f"{TEMPORARY}{os.getpid()}-") as temporary:
        splits = read(folder, name, Path(temporary))
        total, before, arrays = sum(len(splits[split]) for split in SPLITS), 0, {}
        for split in SPLITS:
            report = _offset(progress, before, total)
            arrays[f"{split}_images"] = decode(splits[split], report)
            arrays[f"{split}_labels"] = _labels(name, splits[split])
            before += len(splits[split])
        progress(total, total)
        return arrays, tuple(splits["train"].features["label"].names)


def _labels(name: str, split: Any) -> NDArray[np.uint8]:
    """The column `label`; of some data sets on the hub the test split has none, written as -1."""
    labels, classes = np.asarray(split.data.column("label")), len(split.features["label"].names)
    known = (labels >= 0) & (labels < min(classes, MAX_CLASSES))
    if not np.all(known):
        wrong = labels[~known][0]
        raise ValueError(f"data set {name!r} has a sample of class {wrong}; it has {classes}, and 0 to 255 can be kept")
    return labels.astype(np.uint8)


def _resized(data: Dataset, size: int) -> Arrays:
    pictures = {f"{split}_images": getattr(data, f"{split}_images").reshape(-1, SIDE, SIDE) for split in SPLITS}
    labels = {f"{split}_labels": getattr(data, f"{split}_labels") for split in SPLITS}
    return {name: resize(images, size) for name, images in pictures.items()} | labels


def _write(place: Path, arrays: Arrays, classes: tuple[str, ...]) -> None:
    """Write a directory of arrays in one step: it is complete, on the disk, before it has its name."""
    temporary = Path(tempfile.mkdtemp(dir=place.parent, prefix=f"{TEMPORARY}{os.getpid()}-"))
    try:
        for name, array in arrays.items():
            flat = array if array.ndim == 1 else array.reshape(len(array), -1)
            _save(temporary / f"{name}.npy", flat)
        facts = {"classes": classes, "sha256": _digest(arrays, classes)}
        _save_text(temporary / FACTS, json.dumps(facts))
        _sync(temporary)
        _replace(temporary, place)
        _sync(place.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _replace(temporary: Path, place: Path) -> None:
    """Give a finished directory its name; a damaged one that has it goes first. Who has that one open keeps it."""
    if place.exists():
        place.rename(temporary / "damaged")
    temporary.rename(place)
    shutil.rmtree(place / "damaged", ignore_errors=True)


def _save_text(path: Path, text: str) -> None:
    with path.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _sync(folder: Path) -> None:
    """Write a directory's entries to the disk: a file that is on the disk may still have no name after a power loss."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _save(path: Path, array: NDArray[np.uint8]) -> None:
    with path.open("wb") as file:
        np.save(file, array, allow_pickle=False)
        file.flush()
        os.fsync(file.fileno())


def _open(name: str, image_size: int, place: Path) -> Dataset:
    """Return a prepared data set. Raises Damaged when it is not there or not what its digest says."""
    try:
        facts: dict[str, Any] = json.loads((place / FACTS).read_text())
        mapped = {array: np.load(place / f"{array}.npy", mmap_mode="r", allow_pickle=False) for array in ARRAYS}
        classes, sha256 = tuple(facts["classes"]), str(facts["sha256"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise Damaged(f"{type(error).__name__}: {error}") from error
    arrays = {array: np.asarray(values) for array, values in mapped.items()}  # indexing a memmap takes longer
    _check_digest(place, arrays, classes, sha256)
    return Dataset(name, image_size, classes, sha256, **arrays)


def _check_digest(place: Path, arrays: Arrays, classes: tuple[str, ...], sha256: str) -> None:
    """Check the bytes once per process for each state of the files. Raises Damaged."""
    state = (str(place), *((place / f"{array}.npy").stat().st_mtime_ns for array in ARRAYS))
    if state in _checked:
        return
    if _digest(arrays, classes) != sha256:
        raise Damaged("its bytes are not those of its digest")
    _checked.add(state)


def _digest(arrays: Arrays, classes: tuple[str, ...]) -> str:
    digest = hashlib.sha256(json.dumps(classes).encode())
    for name in ARRAYS:
        digest.update(np.ascontiguousarray(arrays[name]).data)
    return digest.hexdigest()


def _offset(progress: Progress, before: int, total: int) -> Any:
    return lambda done: progress(before + done, total)


def _silent(done: int, total: int) -> None:
    """Tell nobody."""
