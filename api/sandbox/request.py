"""Requests in a child: arguments, files, and questions to the API."""

import mmap
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dualtrain.api.sandbox.messages import Message

Reply = tuple[dict[str, Any], bytes]
"""Values as JSON, and a block of bytes."""


@dataclass(frozen=True)
class Request:
    """One request: JSON `arguments`, descriptors of `files`; `ask` sends a question to the API, returns its answer."""

    arguments: dict[str, Any]
    files: tuple[int, ...]
    ask: Callable[[dict[str, Any]], Message]

    def content(self, index: int = 0) -> bytes:
        """Return all bytes of a file."""
        return bytes(mapped(self.files[index]))


def mapped(file: int) -> mmap.mmap | bytes:
    """Return a file's bytes without copying them; they must not change."""
    size = os.fstat(file).st_size
    return mmap.mmap(file, size, access=mmap.ACCESS_READ) if size else b""
