"""Messages between the API and its child processes: a JSON document, a block of bytes, and open files.

A message is a header of two lengths, the document, and the block; the files come with its first bytes (`SCM_RIGHTS`).
There is no pickle in it: a child that a hostile file has taken over can send wrong values, but no code.
"""

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any

MAX_FILES = 4
DOCUMENT_BYTES = 8 << 20
BLOCK_BYTES = 256 << 20
"""The largest document and block of bytes that are accepted from a child."""
_HEADER = struct.Struct("!IQ")
_CHUNK_BYTES = 1 << 18


class BrokenMessage(ConnectionError):
    """The other side has ended, or sends what is no message."""


@dataclass(frozen=True)
class Message:
    """One message. `files` are file descriptors; the receiver has to close them."""

    document: dict[str, Any]
    block: bytes = b""
    files: tuple[int, ...] = field(default=())


def send(channel: socket.socket, message: Message) -> None:
    """Send a message over a blocking socket."""
    start, rest = _packed(message)
    sent = socket.send_fds(channel, [start], message.files)
    channel.sendall(memoryview(start)[sent:])
    channel.sendall(rest)


def receive(channel: socket.socket) -> Message:
    """Return the next message from a blocking socket. Raises BrokenMessage."""
    start, files, _, _ = socket.recv_fds(channel, _CHUNK_BYTES, MAX_FILES)
    reader = _Reader(start)
    while (missing := reader.missing) and start:
        start = channel.recv(missing)
        reader.add(start)
    return reader.message(tuple(files))


async def send_soon(channel: socket.socket, message: Message) -> None:
    """Send a message over a non-blocking socket from the event loop. Raises OSError when the child has ended."""
    loop = asyncio.get_running_loop()
    start, rest = _packed(message)
    sent = socket.send_fds(channel, [start], message.files)  # does not block: the child has read what came before
    for part in (memoryview(start)[sent:], rest):
        if part:
            await loop.sock_sendall(channel, part)


async def receive_soon(channel: socket.socket) -> Message:
    """Return the next message from a child; a child sends no files. Raises BrokenMessage."""
    loop = asyncio.get_running_loop()
    reader = _Reader(await loop.sock_recv(channel, _CHUNK_BYTES))
    received = True
    while (missing := reader.missing) and received:
        part = await loop.sock_recv(channel, missing)
        reader.add(part)
        received = bool(part)
    return reader.message(())


class _Reader:
    """Collects the parts of one message: after each, the other side waits for its answer."""

    def __init__(self, start: bytes) -> None:
        self._content = bytearray(start)
        self._size = _HEADER.size
        self._document = 0
        self._find_size()

    @property
    def missing(self) -> int:
        """Bytes to receive next, 0 when the message is complete."""
        return min(max(0, self._size - len(self._content)), _CHUNK_BYTES)

    def add(self, part: bytes) -> None:
        """Add the next bytes."""
        self._content += part
        self._find_size()

    def message(self, files: tuple[int, ...]) -> Message:
        """Return the message. Raises BrokenMessage when it is not complete, or not one."""
        if len(self._content) != self._size or not self._document:
            raise BrokenMessage("the other side has ended")
        end = _HEADER.size + self._document
        try:
            document = json.loads(self._content[_HEADER.size : end])
        except ValueError as error:
            raise BrokenMessage(f"a message is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise BrokenMessage("a message is no JSON object")
        return Message(document, bytes(memoryview(self._content)[end:]), files)

    def _find_size(self) -> None:
        if self._document or len(self._content) < _HEADER.size:
            return
        self._document, block = _HEADER.unpack_from(self._content)
        if not 2 <= self._document <= DOCUMENT_BYTES or block > BLOCK_BYTES:
            raise BrokenMessage("a message is too large")
        self._size += self._document + block


def _packed(message: Message) -> tuple[bytes, bytes]:
    """Return header and document, together with a small block, and the block if it is large."""
    document = json.dumps(message.document).encode()
    start = _HEADER.pack(len(document), len(message.block)) + document
    return (start + message.block, b"") if len(message.block) < _CHUNK_BYTES else (start, message.block)
