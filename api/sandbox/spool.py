"""Bodies of requests as files that children can read: in memory if small, else in the data folder."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from dualtrain.api.sandbox.pool import Admission

MEMORY_BYTES = 1 << 20
"""Larger bodies are written to the disk, in pieces of this size."""


@asynccontextmanager
async def spooled(request: Request, folder: Path, admission: Admission) -> AsyncIterator[int]:
    """Yield a descriptor of a file with the body. It has no name, so that a process that is killed leaves none.

    Raises Busy when the bodies of the caller take too much of the disk.
    """
    pieces = _pieces(request)
    first = await anext(pieces)
    if len(first) < MEMORY_BYTES:
        file = in_memory(first)
        try:
            yield file
        finally:
            os.close(file)
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as body:
        piece = first
        while piece:
            admission.spool(len(piece))
            await run_in_threadpool(body.write, piece)
            piece = await anext(pieces, b"")
        yield body.fileno()


def in_memory(content: bytes) -> int:
    """Return a descriptor of a file in memory that holds `content`."""
    file = os.memfd_create("body")
    remaining = memoryview(content)
    while remaining:
        remaining = remaining[os.write(file, remaining) :]
    return file


async def _pieces(request: Request) -> AsyncIterator[bytes]:
    """Yield the body in pieces of `MEMORY_BYTES`; the last one may be smaller, or empty."""
    piece = bytearray()
    async for chunk in request.stream():
        piece += chunk
        if len(piece) >= MEMORY_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
