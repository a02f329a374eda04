"""Strokes far thinner or thicker than MNIST's, brought to the nearest width that its pens have."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

BOX = 20
"""The longer side of a digit in MNIST's form."""
FINE = 4
"""Widths are changed at this multiple of MNIST's pixels, by a quarter of one on either side of a stroke at a time."""
THINNEST, THICKEST = 1.8, 3.2
"""Tenth and ninetieth percentile of the width of MNIST's strokes, in its pixels, as `width` measures it."""
MOST_STEPS = 8
VISIBLE = 0.1
"""The least ink that counts for the box around a digit."""

Picture = NDArray[Any]


def with_usual_pen(ink: Picture) -> Picture:
    """Return ink (h, w), 0 to 1, cropped and with its longer side at 80, drawn with a pen as MNIST's writers had."""
    drawn = fit(cropped(ink), BOX * FINE)
    for _ in range(MOST_STEPS):
        stroke = width(drawn) / FINE
        if THINNEST <= stroke <= THICKEST:
            break
        changed = _filtered(drawn, ImageFilter.MaxFilter(3) if stroke < THINNEST else ImageFilter.MinFilter(3))
        if changed.max() < 0.5:  # nothing would be left
            break
        drawn = fit(cropped(changed / changed.max()), BOX * FINE)
    return drawn


def width(ink: Picture) -> float:
    """Return the mean width of the strokes: a stroke of width w and length l has area w·l, and an outline of 2·l."""
    padded = np.pad(ink, 1)
    down, right = np.diff(padded, axis=0)[:, :-1], np.diff(padded, axis=1)[:-1]
    return float(2 * ink.sum() / np.hypot(down, right).sum())


def cropped(ink: Picture) -> Picture:
    """Return the part of a picture that holds ink."""
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > VISIBLE) for axis in (1, 0))
    return ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]


def fit(ink: Picture, side: int) -> Picture:
    """Return ink with its longer side at `side` pixels, its aspect kept."""
    factor = side / max(ink.shape)
    height, width = (max(1, round(length * factor)) for length in ink.shape)
    return np.asarray(Image.fromarray(ink).resize((width, height), Image.Resampling.BILINEAR))


def _filtered(ink: Picture, filter: ImageFilter.RankFilter) -> Picture:
    image = Image.fromarray(np.rint(np.pad(ink, 1) * 255).astype(np.uint8)).filter(filter)
    return np.asarray(image, np.float32) / 255
