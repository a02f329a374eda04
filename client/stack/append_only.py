"""Repair of the store's append-only file, whose end may hold zeros or garbage after a power failure.

A server reads a file that is merely cut short; at bytes that are no command it refuses to start. Here the bytes after
the last complete command are moved to a file of their own, unless complete commands follow them: then writes that were
acknowledged would be lost, and a person must decide.
"""

import mmap
import os
import re
import time
from dataclasses import dataclass
from pathlib import Path

MANIFEST = Path("appendonlydir") / "appendonly.aof.manifest"
LAST_INCREMENT = re.compile(r"^file (\S+) seq \d+ type i", re.MULTILINE)
COMMAND_START = re.compile(rb"\*[1-9]\d{0,6}\r\n\$\d+\r\n")
LONGEST_HEADER = 32


@dataclass(frozen=True)
class Damage:
    """Unreadable bytes of a file, from `offset` on. `moved_to` has them if they were removed."""

    file: Path
    offset: int
    size_bytes: int
    moved_to: Path | None

    def __str__(self) -> str:
        if self.moved_to:
            return (
                f"The end of {self.file} could not be read: {self.size_bytes} bytes after byte {self.offset}. "
                f"They were moved to {self.moved_to}; every complete write before them is kept."
            )
        return (
            f"{self.file} cannot be read at byte {self.offset}, and complete writes follow. Restore it from a backup; "
            f"or copy it and give up everything after that byte: truncate -s {self.offset} {self.file}"
        )


class _NoCommand(ValueError):
    """The bytes are no complete command."""


def repair(store: Path) -> Damage | None:
    """Move an unreadable end of the append-only file in the folder `store` away; return None if there is none.

    Only for a server that does not run. Raises OSError when the file cannot be read or changed.
    """
    file = _last_increment(store)
    if file is None or not file.stat().st_size:
        return None
    with file.open("r+b") as stream, mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ) as data:
        offset = _end_of_commands(data)
        tail = data[offset:]
        if not tail:
            return None
        if _has_command(data, offset):
            return Damage(file, offset, len(tail), None)
    copy = store / f"{file.name}.from-{offset}-{time.time_ns()}"
    _write_durably(copy, tail)
    with file.open("r+b") as stream:
        stream.truncate(offset)
        os.fsync(stream.fileno())
    return Damage(file, offset, len(tail), copy)


def _last_increment(store: Path) -> Path | None:
    manifest = store / MANIFEST
    names = LAST_INCREMENT.findall(manifest.read_text(errors="replace")) if manifest.is_file() else []
    file = manifest.with_name(names[-1]) if names else None
    return file if file and file.is_file() else None


def _end_of_commands(data: mmap.mmap) -> int:
    """Return where the last complete command ends that is not inside an unfinished transaction."""
    end = 0
    position = 0
    in_transaction = False
    try:
        while position < len(data):
            name, position = _command(data, position)
            in_transaction = name == b"MULTI" or (in_transaction and name != b"EXEC")
            end = end if in_transaction else position
    except _NoCommand:
        pass
    return end


def _has_command(data: mmap.mmap, offset: int) -> bool:
    """Return whether any complete command follows the unreadable bytes at `offset`."""
    try:
        while True:  # past the unfinished transaction that may stand there
            _, offset = _command(data, offset)
    except _NoCommand:
        pass
    for match in COMMAND_START.finditer(data, offset + 1):
        try:
            _command(data, match.start())
        except _NoCommand:
            continue
        return True
    return False


def _command(data: mmap.mmap, position: int) -> tuple[bytes, int]:
    """Return the name of the command at `position`, in capitals, and where it ends."""
    if data[position : position + 1] == b"#":  # an annotation, such as a time
        return b"", _line(data, position)[1]
    count, position = _header(data, position, b"*")
    name = b""
    for index in range(count):
        length, position = _header(data, position, b"$")
        end = position + length
        if data[end : end + 2] != b"\r\n":
            raise _NoCommand
        if index == 0:
            name = bytes(data[position : min(end, position + LONGEST_HEADER)]).upper()
        position = end + 2
    return name, position


def _header(data: mmap.mmap, position: int, kind: bytes) -> tuple[int, int]:
    line, end = _line(data, position)
    if line[:1] != kind or not line[1:].isdigit():
        raise _NoCommand
    return int(line[1:]), end


def _line(data: mmap.mmap, position: int) -> tuple[bytes, int]:
    end = data.find(b"\r\n", position, position + LONGEST_HEADER)
    if end < 0:
        raise _NoCommand
    return data[position:end], end + 2


def _write_durably(path: Path, data: bytes) -> None:
    with path.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
