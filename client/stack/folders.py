"""Where the stack keeps its files: what lasts below the data folder, sockets in a short-lived folder of their own."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout


@dataclass(frozen=True)
class Folders:
    """The folders of one stack."""

    data: Path
    sockets: Path

    @property
    def logs(self) -> Path:
        """One log file for each process."""
        return self.data / "logs"

    @property
    def store(self) -> Path:
        """The store's append-only file."""
        return self.data / "store"


@contextmanager
def held(data: Path) -> Iterator[Folders]:
    """Make the folders of a stack and hold them, so that no second stack writes into them.

    Raises RuntimeError when another one does, PermissionError when the folder for sockets is somebody else's.
    """
    data = data.resolve()
    folders = Folders(data, _socket_folder(data))
    folders.logs.mkdir(parents=True, exist_ok=True)
    folders.store.mkdir(exist_ok=True)
    try:
        with FileLock(data / "up.lock", timeout=0):
            _make_private(folders.sockets)
            try:
                yield folders
            finally:
                shutil.rmtree(folders.sockets, ignore_errors=True)
    except Timeout:
        raise RuntimeError(f"another `dualtrain up` uses {data}; stop it or choose another --data-dir") from None


def _socket_folder(data: Path) -> Path:
    # A socket's path may have 107 bytes, a data folder's path any number. The name is the same each time, so that the
    # next stack finds and clears what a killed one left.
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"dualtrain-{os.getuid()}-{digest}"


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=0o700, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(f"{folder} belongs to somebody else; set TMPDIR to a folder of your own")
    for left in folder.iterdir():
        left.unlink()
