"""Log files of supervised programs: bounded in size, and harmless when they cannot be written."""

import asyncio
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

LOG_BYTES = 10_000_000
BACKUPS = 2
READ_BYTES = 65536
"""The capacity of a pipe on Linux."""


class LogFile:
    """An append-only file that is rotated at `LOG_BYTES`, with `BACKUPS` older files beside it.

    A write that fails, on a full disk for example, loses its bytes and nothing else: `on_error(path, error)` is called
    for the first failure of a series.
    """

    def __init__(self, path: Path, on_error: Callable[[Path, OSError], None]) -> None:
        self._path = path
        self._on_error = on_error
        self._failing = False

    def write(self, data: bytes) -> None:
        """Append bytes."""
        try:
            self._append(data)
        except OSError as error:
            if not self._failing:
                self._on_error(self._path, error)
            self._failing = True
        else:
            self._failing = False

    def _append(self, data: bytes) -> None:
        with open(self._path, "ab", buffering=0) as file:
            size = file.tell()
            file.write(data)
        if size + len(data) > LOG_BYTES:
            self._rotate()

    def _rotate(self) -> None:
        for number in range(BACKUPS, 0, -1):
            with suppress(FileNotFoundError):
                self._backup(number - 1).replace(self._backup(number))

    def _backup(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path


class LogPipe:
    """A pipe whose bytes are copied to a log file by the event loop; `write_end` is a program's output."""

    def __init__(self, log: LogFile) -> None:
        self._log = log
        self._read_end, self.write_end = os.pipe()
        os.set_blocking(self._read_end, False)
        asyncio.get_running_loop().add_reader(self._read_end, self._copy)

    def close(self) -> None:
        """Copy what is left, also of a program that has ended, and close the pipe."""
        asyncio.get_running_loop().remove_reader(self._read_end)
        os.close(self.write_end)
        while self._copy():
            pass
        os.close(self._read_end)

    def _copy(self) -> bool:
        try:
            data = os.read(self._read_end, READ_BYTES)
        except BlockingIOError:  # a process that the program left behind holds the other end open
            return False
        if data:
            self._log.write(data)
        return bool(data)
