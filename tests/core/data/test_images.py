"""Whatever is sent: read right, or refused in milliseconds with the reason."""

import io
import struct
import time
import tracemalloc
import zlib
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageDraw

from dualtrain.core.data import ImageError
from dualtrain.core.data.images import MAX_BYTES, grey, treat

SECONDS = 0.25
"""Generous on a loaded machine; alone each takes some milliseconds."""


def digit(mode: str = "L", size: int = 100, background: Any = 255, ink: Any = 0) -> Image.Image:
    """A bold 7, dark on light."""
    image = Image.new(mode, (size, size), background)
    width = size // 10
    ImageDraw.Draw(image).line([(30, 25), (70, 25), (45, 80)], ink, width)
    return image


def saved(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, data: bytes, extra: bytes = b"") -> bytes:
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + header + extra + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def zeros(count: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join(packer.compress(bytes(1 << 20)) for _ in range(count >> 20)) + packer.flush()


SEVEN = treat(saved(digit()))


def test_what_a_seven_becomes() -> None:
    assert SEVEN.shape == (28, 28)
    assert SEVEN.dtype == np.uint8
    rows, columns = (np.flatnonzero(SEVEN.max(axis=axis)) for axis in (1, 0))
    assert max(np.ptp(rows), np.ptp(columns)) + 1 == 20
    weights = SEVEN / SEVEN.sum()
    for axis in (0, 1):
        assert abs(weights.sum(axis=axis) @ np.arange(28) - 14) <= 0.5


def frames() -> bytes:
    return saved(digit(), save_all=True, append_images=[Image.new("L", (100, 100), 128)])


def sixteen_bits() -> bytes:
    return saved(Image.fromarray(np.asarray(digit(), np.uint16) * 257))


def transparent() -> Image.Image:
    return digit("RGBA", background=(0, 0, 0, 0), ink=(0, 0, 0, 255))


def card() -> Image.Image:
    """Dark on white, with transparent corners."""
    mask = Image.new("L", (100, 100))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 99, 99), radius=12, fill=255)
    image = digit("RGBA", background=(255, 255, 255, 255), ink=(0, 0, 0, 255))
    image.putalpha(mask)
    return image


def photograph(**options: Any) -> bytes:
    return saved(digit("RGB").resize((4000, 4000)), "JPEG", quality=80, **options)


def upside_down() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees
    return saved(digit().rotate(180), "JPEG", exif=exif, quality=95)


RIGHT = {
    "light on dark": saved(digit(background=0, ink=255)),
    "grey on grey": saved(digit(background=150, ink=60)),
    "colours": saved(digit("RGB", background=(255, 250, 200), ink=(0, 0, 120))),
    "palette": saved(digit("RGB").convert("P")),
    "palette with transparency": saved(transparent().convert("PA").convert("RGBA").quantize(4)),
    "one bit": saved(digit().convert("1")),
    "alpha": saved(transparent()),
    "grey and alpha": saved(transparent().convert("LA")),
    "white ink on nothing": saved(digit("RGBA", background=(0, 0, 0, 0), ink=(255, 255, 255, 255))),
    "a card with round corners": saved(card()),
    "16 bits": sixteen_bits(),
    "CMYK": saved(digit().convert("CMYK"), "JPEG", quality=95),
    "JPEG": saved(digit(), "JPEG", quality=60),
    "WebP": saved(digit(), "WEBP", quality=90),
    "lossless WebP": saved(digit(), "WEBP", lossless=True),
    "WebP with alpha": saved(transparent(), "WEBP", lossless=True),
    "animated PNG": frames(),
    "animated WebP": saved(digit("RGB"), "WEBP", save_all=True, append_images=[Image.new("RGB", (100, 100))]),
    "EXIF orientation": upside_down(),
    "large": saved(digit().resize((1900, 1900))),
    "photograph": photograph(),
    "photograph in several scans": photograph(progressive=True),
    "in a corner": saved(digit().crop((15, 15, 95, 95)).transform((200, 200), Image.Transform.AFFINE,
                                                                 (1, 0, 0, 0, 1, 0), fillcolor=255)),
}  # fmt: skip


@pytest.mark.parametrize("data", RIGHT.values(), ids=RIGHT)
def test_handled_right(data: bytes) -> None:
    difference = np.abs(treat(data).astype(int) - SEVEN)
    assert difference.mean() < 8


def huge_webp() -> bytes:
    lossy = b"\x00\x00\x00\x9d\x01\x2a" + struct.pack("<HH", 16383, 16383)
    body = b"VP8 " + struct.pack("<I", len(lossy)) + lossy
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def huge_extended_webp() -> bytes:
    body = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (16000).to_bytes(3, "little") * 2
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


def huge_lossless_webp() -> bytes:
    data = b"\x2f" + struct.pack("<I", 16382 | 16382 << 14)
    body = b"VP8L" + struct.pack("<I", len(data)) + data
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WEBP" + body


WHOLE = saved(digit())
REFUSED = {
    "SVG": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "unknown_image_format"),
    "PDF": (b"%PDF-1.7\n", "unknown_image_format"),
    "GIF": (saved(digit(), "GIF"), "unknown_image_format"),
    "TIFF": (saved(digit(), "TIFF"), "unknown_image_format"),
    "EPS": (b"%!PS-Adobe-3.0 EPSF-3.0\n", "unknown_image_format"),
    "nothing": (b"", "unknown_image_format"),
    "too many bytes": (bytes(MAX_BYTES + 1), "image_too_large"),
    "20,000 x 20,000": (png(20_000, 20_000, zeros(4 << 20)), "too_many_pixels"),
    "10,000 x 10,000": (png(10_000, 10_000, zeros(4 << 20)), "too_many_pixels"),
    "long and thin": (png(2**31 - 1, 1, zeros(1 << 20)), "too_many_pixels"),
    "large JPEG": (saved(Image.new("L", (5000, 4000)), "JPEG"), "too_many_pixels"),
    "long JPEG": (saved(Image.new("L", (16_000, 500)), "JPEG"), "too_many_pixels"),
    "large WebP": (huge_webp(), "too_many_pixels"),
    "large extended WebP": (huge_extended_webp(), "too_many_pixels"),
    "large lossless WebP": (huge_lossless_webp(), "too_many_pixels"),
    "truncated PNG": (WHOLE[: len(WHOLE) // 2], "broken_image"),
    "truncated JPEG": (saved(digit(), "JPEG")[:400], "broken_image"),
    "truncated WebP": (saved(digit(), "WEBP")[:60], "broken_image"),
    "no width": (png(0, 10, b""), "broken_image"),
    "broken data": (png(100, 100, b"no zlib"), "broken_image"),
    "too little data": (png(100, 100, zlib.compress(b"\0" * 100)), "broken_image"),
    "text bomb": (png(9, 9, b"", chunk(b"zTXt", b"k\0\0" + zeros(64 << 20))), "broken_image"),
    "profile bomb": (png(9, 9, b"", chunk(b"iCCP", b"k\0\0" + zeros(64 << 20))), "broken_image"),
    "white": (saved(Image.new("L", (50, 50), 255)), "blank_image"),
    "black": (saved(Image.new("L", (50, 50))), "blank_image"),
    "one pixel": (saved(Image.new("L", (1, 1))), "blank_image"),
    "transparent": (saved(Image.new("RGBA", (50, 50))), "blank_image"),
    "faint noise": (
        saved(Image.fromarray(np.random.default_rng(0).integers(240, 256, (99, 99), np.uint8))), "blank_image"
    ),
}  # fmt: skip


@pytest.mark.parametrize(("data", "code"), REFUSED.values(), ids=REFUSED)
def test_refused_at_once_and_not_held_in_memory(data: bytes, code: str) -> None:
    tracemalloc.start()
    started = time.perf_counter()
    with pytest.raises(ImageError) as refusal:
        treat(data)
    seconds, (_, peak) = time.perf_counter() - started, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert refusal.value.code == code
    assert seconds < SECONDS
    assert peak < 16 << 20


def test_a_large_picture_is_averaged() -> None:
    assert max(grey(RIGHT["large"]).shape) < 512


def test_any_damage_is_an_image_error() -> None:
    generator = np.random.default_rng(0)
    for name in ("alpha", "JPEG", "WebP", "animated PNG", "EXIF orientation"):
        for _ in range(60):
            data = np.frombuffer(RIGHT[name], np.uint8).copy()
            data[generator.integers(0, len(data), 5)] = generator.integers(0, 256, 5)
            try:
                treat(data.tobytes())
            except ImageError:
                continue


def jpeg_with(segments: bytes) -> bytes:
    """Insert bytes behind the first marker of a JPEG file."""
    whole = saved(digit(), "JPEG")
    return whole[:2] + segments + whole[2:]


def jpeg_of_scans(count: int) -> bytes:
    """Repeat the last scan of a progressive JPEG, which costs a decoder one pass over all pixels each time."""
    whole = saved(digit("L", 2000), "JPEG", progressive=True, quality=20)
    last = whole.rindex(b"\xff\xda")
    return whole[:last] + whole[last:-2] * count + whole[-2:]


COSTLY = {
    "scans": jpeg_of_scans(2000),
    "segments": jpeg_with(b"\xff\xe5\x00\x02" * 500_000),
    "comments": jpeg_with(b"\xff\xfe\x00\x02" * 500_000),
    "padding": jpeg_with(b"\xff" * 4_000_000),
    "padding behind a scan": jpeg_of_scans(1)[:-2] + b"\xff" * 4_000_000 + b"\x00" + b"\xff\xe5\x00\x02" * 9999,
    "PNG chunks": png(50, 50, zlib.compress(bytes(51 * 50)), chunk(b"abCd", b"") * 500_000),
}


@pytest.mark.parametrize("data", COSTLY.values(), ids=COSTLY)
def test_files_that_cost_more_than_their_pixels_are_refused(data: bytes) -> None:
    started = time.perf_counter()
    with pytest.raises(ImageError) as refusal:
        grey(data)
    assert refusal.value.code == "image_too_complex"
    assert time.perf_counter() - started < SECONDS


def test_metadata_may_contain_the_bytes_of_a_scan_marker() -> None:
    exif = b"Exif\0\0" + b"\xff\xda\x00\x02" * 10_000
    whole = saved(digit(), "JPEG")
    data = whole[:2] + b"\xff\xe5" + struct.pack(">H", len(exif) + 2) + exif + whole[2:] + b"\xff\xda\x00\x02" * 10_000
    assert np.array_equal(grey(data), grey(whole))
