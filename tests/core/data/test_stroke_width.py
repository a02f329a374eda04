"""Widths of strokes are measured, and brought into MNIST's range."""

import numpy as np
import pytest

from dualtrain.core.data.stroke_width import BOX, FINE, THICKEST, THINNEST, width, with_usual_pen


def bar(thickness: int, length: int = 80) -> np.ndarray:
    ink = np.zeros((length, length), np.float32)
    start = (length - thickness) // 2
    ink[:, start : start + thickness] = 1
    ink[start : start + thickness] = 1
    return ink


@pytest.mark.parametrize("thickness", [4, 8, 12])
def test_width_is_that_of_the_stroke(thickness: int) -> None:
    assert width(bar(thickness)) == pytest.approx(thickness, rel=0.2)


@pytest.mark.parametrize("thickness", [2, 4, 10, 20, 24])
def test_unusual_pens_become_usual(thickness: int) -> None:
    drawn = with_usual_pen(bar(thickness))
    assert max(drawn.shape) == BOX * FINE
    assert THINNEST - 0.1 <= width(drawn) / FINE <= THICKEST + 0.1


def test_a_blot_is_not_wiped_away() -> None:
    assert with_usual_pen(np.ones((80, 80), np.float32)).max() > 0.5
