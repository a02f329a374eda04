"""Limits on the structure of image files, checked before a decoder sees them.

A JPEG decoder passes over all pixels once per scan, and a scan takes 31 bytes; Pillow walks through segments, chunks
and padding in Python. So a file of some kilobytes could keep a processor busy for minutes.
"""

import re
import struct

MAX_SCANS = 64
"""Scans of a JPEG; progressive encoders write about ten."""
MAX_SEGMENTS = 1000
"""Marker segments of a JPEG; 8 MiB of metadata are some 130."""
MAX_JUNK_BYTES = 1 << 16
"""Padding and stray bytes before the first scan of a JPEG."""
MAX_CHUNKS = 10_000
"""Chunks of a PNG; encoders write one for each 8 KiB or more."""
_ANY_MARKER = re.compile(rb"\xff([^\x00\xff])")
_MARKER_IN_SCAN = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
"""Restart markers belong to the data of a scan."""
_SCAN = 0xDA
_END = 0xD9
_WITH_LENGTH = frozenset({*range(0xC0, 0xD0), *range(0xE0, 0xF0), 0xDB, 0xDD, 0xFE, _SCAN}) - {0xC8}
"""Markers whose segment every decoder skips by its length."""
_PNG_SIGNATURE_BYTES = 8
_PNG_CHUNK_BYTES = 12
"""Length, type and checksum of a chunk."""


class TooComplex(ValueError):
    """An image file whose structure would take a decoder too long."""


def check_jpeg(data: bytes) -> None:
    """Raise TooComplex for a JPEG with too many scans, segments or stray bytes; time is linear in its length."""
    position = 2
    junk = scans = 0
    for _ in range(MAX_SEGMENTS):
        match = (_MARKER_IN_SCAN if scans else _ANY_MARKER).search(data, position)
        if match is None:
            return
        marker = match[1][0]
        junk += 0 if scans else match.end() - position - 2
        scans += marker == _SCAN
        if scans > MAX_SCANS:
            raise TooComplex(f"the JPEG has more than {MAX_SCANS} scans; save it without progressive scans")
        if junk > MAX_JUNK_BYTES:
            raise TooComplex(f"the JPEG has more than {MAX_JUNK_BYTES:,} stray bytes in its header; save it again")
        if marker == _END and scans:
            return
        position = match.end() + (_length(data, match.end()) if marker in _WITH_LENGTH else 0)
    raise TooComplex(f"the JPEG has more than {MAX_SEGMENTS:,} segments; save it without metadata")


def check_png(data: bytes) -> None:
    """Raise TooComplex for a PNG of too many chunks."""
    position = _PNG_SIGNATURE_BYTES
    for _ in range(MAX_CHUNKS):
        if position + _PNG_CHUNK_BYTES > len(data):
            return
        position += _PNG_CHUNK_BYTES + struct.unpack_from(">I", data, position)[0]
    raise TooComplex(f"the PNG has more than {MAX_CHUNKS:,} chunks; save it again")


def _length(data: bytes, position: int) -> int:
    """Return the bytes of a JPEG segment after its marker, as its length field gives them."""
    return int.from_bytes(data[position : position + 2], "big")
