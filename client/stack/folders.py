"""Folders of the stack: lasting files below the data folder, sockets in a short-lived folder of their own."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

PRIVATE = 0o700


@dataclass(frozen=True)
class Folders:
    """The folders of one stack."""

    data: Path
    sockets: Path

    @property
    def logs(self) -> Path:
        """One log file for each program."""
        return self.data / "logs"

    @property
    def store(self) -> Path:
        """The store's append-only file."""
        return self.data / "store"


@contextmanager
def locked_folders(data: Path) -> Iterator[Folders]:
    """Make the folders of a stack and lock them, so that no second stack writes into them.

    Logs and jobs are for this user only. Raises RuntimeError when another stack has the lock, PermissionError when the
    folder for sockets belongs to another user.
    """
    data = data.resolve()
    folders = Folders(data, _socket_folder(data))
    data.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(data / "up.lock", timeout=0):
            _make_private(folders.logs)
            _make_private(folders.store)
            _make_private(folders.sockets)
            _empty(folders.sockets)
            try:
                yield folders
            finally:
                shutil.rmtree(folders.sockets, ignore_errors=True)
    except Timeout:
        raise RuntimeError(f"another `dualtrain up` uses {data}; stop it or choose another --data-dir") from None


def _socket_folder(data: Path) -> Path:
    # A socket's path may have 107 bytes, a data folder's path any number. The name is the same each time, so that the
    # next stack finds and clears the sockets of a killed one.
    digest = hashlib.sha256(os.fsencode(data)).hexdigest()[:12]
    return Path(tempfile.gettempdir()) / f"dualtrain-{os.getuid()}-{digest}"


def _make_private(folder: Path) -> None:
    folder.mkdir(mode=PRIVATE, exist_ok=True)
    if folder.is_symlink() or folder.stat().st_uid != os.getuid():
        raise PermissionError(_foreign(folder))
    folder.chmod(PRIVATE)  # an older release let others read logs and jobs


def _foreign(folder: Path) -> str:
    if folder.parent == Path(tempfile.gettempdir()):
        return f"{folder} belongs to another user; set TMPDIR to a folder of your own"
    return f"{folder} is a link or belongs to another user; choose another --data-dir"


def _empty(folder: Path) -> None:
    for entry in folder.iterdir():
        entry.unlink()
