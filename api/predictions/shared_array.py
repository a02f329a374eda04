"""Arrays that child processes map instead of copying."""

import fcntl
import mmap
import os
import weakref
from typing import Any

import numpy as np
from numpy.typing import NDArray

_SEALS = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_SEAL


class SharedArray:
    """A read-only vector in a file in memory. A process that receives `file` can map it; seals prevent changes."""

    def __init__(self, values: NDArray[Any]) -> None:
        self.file = os.memfd_create("array", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
        """A file descriptor, open as long as this object lives."""
        weakref.finalize(self, os.close, self.file)
        remaining = np.ascontiguousarray(values).data.cast("B")
        while remaining:
            remaining = remaining[os.write(self.file, remaining) :]
        fcntl.fcntl(self.file, fcntl.F_ADD_SEALS, _SEALS)
        self.values = map_array(self.file, str(values.dtype))
        """The vector."""


def map_array(file: int, dtype: str) -> NDArray[Any]:
    """Return the vector in a file in memory without copying it; it stays after the descriptor is closed."""
    size = os.fstat(file).st_size
    content = mmap.mmap(file, size, access=mmap.ACCESS_READ) if size else b""  # an empty file cannot be mapped
    return np.frombuffer(content, np.dtype(dtype))
