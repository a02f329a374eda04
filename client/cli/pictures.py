"""Pictures made of characters: digits and curves."""

from collections.abc import Iterable, Sequence

SIDE = 28
LIT = 96
"""Pixels brighter than this are dots."""
BRAILLE = 0x2800
DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""The bit of each dot of a Braille character, by row and column: four rows of two."""
BARS = "▁▂▃▄▅▆▇█"
WIDTH = 60


def digit(pixels: Sequence[float]) -> list[str]:
    """Return 7 lines of 14 characters that show 28x28 pixels, each as one dot."""
    rows = [pixels[start : start + SIDE] for start in range(0, SIDE * SIDE, SIDE)]
    return ["".join(_cell(rows, top, left) for left in range(0, SIDE, 2)) for top in range(0, SIDE, 4)]


def beside(pictures: Iterable[Sequence[str]], gap: str = "  ") -> list[str]:
    """Return the lines that show pictures of the same height side by side."""
    return [gap.join(lines) for lines in zip(*pictures, strict=True)]


def curve(values: Sequence[float], width: int = WIDTH) -> str:
    """Return one line of bars: the course of the values, each bar the mean of its neighbours."""
    count = min(width, len(values))
    cuts = [round(i * len(values) / count) for i in range(count + 1)]
    means = [sum(values[a:b]) / (b - a) for a, b in zip(cuts, cuts[1:], strict=False)]
    low, span = min(means), (max(means) - min(means)) or 1.0
    return "".join(BARS[round((mean - low) / span * (len(BARS) - 1))] for mean in means)


def _cell(rows: Sequence[Sequence[float]], top: int, left: int) -> str:
    bits = (bit for y, line in enumerate(DOTS) for x, bit in enumerate(line) if rows[top + y][left + x] > LIT)
    return chr(BRAILLE + sum(bits))
